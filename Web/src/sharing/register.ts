// What people do with each other at a session, added to every terminal.
import { lazy } from "react";
import { registerPanel } from "../terminal/panels";
import { useChat } from "./chat";
import "./clipboard";
import "./presence";
import "./requests";

registerPanel({
    id: "chat",
    icon: "chat",
    label: "Chat",
    order: 20,
    badge: ({ sessionId }) => useChat(sessionId).unread || null,
    component: lazy(() => import("./ChatPanel").then((part) => ({ default: part.ChatPanel }))),
});

