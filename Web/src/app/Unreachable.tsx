import { Button } from "../ui/controls";
import { EnvironmentLabel, Problem } from "../ui/display";
import { Mark } from "../ui/Icon";
import { ago, fullTime, inert } from "../ui/text";
import { usePolling } from "./polling";
import { cachedHosts, start } from "./session";
import { useStore } from "./store";

/** The server doesn't answer: says so, keeps trying, and shows the hosts as they were last seen. */
export function Unreachable() {
    const error = useStore((s) => s.startError);
    const cached = cachedHosts();
    usePolling(() => void start(), 5_000);
    return (
        <main className="page unreachable">
            <div className="narrow">
                <div className="brand">
                    <Mark />
                    <span>SSH Copilot</span>
                </div>
                {error && <Problem error={error} retry={() => void start()} />}
                {cached?.data && cached.loadedAt && (
                    <section className="stack" aria-label="Hosts as last seen">
                        <h2 className="section-title" title={fullTime(cached.loadedAt)}>
                            Your hosts, as of {ago(cached.loadedAt)}
                        </h2>
                        <div className="host-list" data-testid="cached-hosts">
                            {cached.data.map((host) => (
                                <article key={host.id} className="host cached" data-environment={host.environment}>
                                    <div className="host-main">
                                        <h2>{inert(host.alias, 80)}</h2>
                                        <span className="host-endpoint">{inert(host.purpose, 80)}</span>
                                    </div>
                                    <div className="host-environment">
                                        <EnvironmentLabel environment={host.environment} />
                                    </div>
                                    <div className="host-tags">
                                        {host.tags.slice(0, 5).map((tag) => (
                                            <span key={tag} className="tag">{inert(tag, 30)}</span>
                                        ))}
                                    </div>
                                </article>
                            ))}
                        </div>
                        <p className="muted small">Only names are kept on this device; connecting needs the copilot.</p>
                    </section>
                )}
                {!error && <Button onClick={() => void start()}>Try again</Button>}
            </div>
        </main>
    );
}
