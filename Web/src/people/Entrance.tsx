import type { ReactNode } from "react";
import { useStore } from "../app/store";
import { Mark } from "../ui/Icon";
import { inert } from "../ui/text";

/** The frame of every screen before the sign-in. */
export function Entrance({ title, lead, children }: { title: string; lead: ReactNode; children: ReactNode }) {
    const server = useStore((s) => s.server);
    return (
        <div className="entrance">
            <aside className="entrance-side" aria-hidden="true">
                <div className="entrance-brand">
                    <Mark size={40} />
                    <span>SSH Copilot</span>
                </div>
                <p className="entrance-claim">
                    One session.<br />Many seats.
                </p>
                <pre className="entrance-scene">{"ada  "}<i className="a">❯</i>{" systemctl restart feed\n"}<span>{"       feed.service: active (running)"}</span>{"\n"}{"bob  "}<i className="b">❯</i>{" tail -f /var/log/feed.log\n"}<span>{"       14:02:07 ready, 38 ms"}</span>{"\n"}{"     "}<i className="c">●</i>{" recorded · keyboard: bob"}</pre>
            </aside>
            <main className="entrance-main">
                <div className="entrance-card">
                    <div className="entrance-mark">
                        <Mark size={36} />
                    </div>
                    <h1>{title}</h1>
                    <p className="muted">{lead}</p>
                    {children}
                </div>
                <p className="entrance-foot">
                    {server ? `${inert(server.name, 60)} · ${inert(server.version, 30)} · ` : ""}
                    <a href="#/trust">Trust it on this device</a>
                </p>
            </main>
        </div>
    );
}
