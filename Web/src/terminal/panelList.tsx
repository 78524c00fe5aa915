// Every panel of the terminal, in one place: each comes in a piece of its own when it is first opened.
import "../sharing/register";
import { lazy } from "react";
import { PeopleFace } from "./PeopleFace";
import { registerPanel } from "./panels";

registerPanel({
    id: "people",
    icon: "people",
    label: "People",
    order: 10,
    face: PeopleFace,
    component: lazy(() => import("./PeopleDrawer").then((part) => ({ default: part.PeopleDrawer }))),
});
