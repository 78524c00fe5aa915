import "@xterm/xterm/css/xterm.css";
import "copilot-fonts/fonts.css";
import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/layout.css";
import "./ui/screens.css";
import "./terminal/terminal.css";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { start } from "./app/session";
import { followTheme } from "./app/theme";
import { followViewport } from "./app/viewport";

followTheme();
followViewport();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
void start();

// Only where the browser trusts the certificate: elsewhere registration fails, and the page works without it.
if ("serviceWorker" in navigator && window.isSecureContext) {
    window.addEventListener("load", () => void navigator.serviceWorker.register("/sw.js").catch(() => undefined));
}
