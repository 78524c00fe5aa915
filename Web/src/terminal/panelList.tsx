// Every panel of the terminal, in one place: each comes in a piece of its own when it is first opened.
import "../sharing/register";
import { lazy } from "react";
import { useQuestionBadge } from "../agents/questions";
import { useActiveTransfers } from "../files/activity";
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

registerPanel({
    id: "files",
    icon: "folder",
    label: "Files",
    order: 30,
    badge: ({ sessionId }) => useActiveTransfers(sessionId),
    component: lazy(() => import("../files/FilesPanel").then((part) => ({ default: part.FilesPanel }))),
});

registerPanel({
    id: "agent",
    icon: "agent",
    label: "Agent",
    order: 5,
    component: lazy(() => import("../agents/AgentPanel").then((part) => ({ default: part.AgentPanel }))),
    badge: useQuestionBadge,
    isFor: (seat) => seat.seats.some((one) => one.device === "agent"),
});
