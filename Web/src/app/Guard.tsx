import { Component, type ReactNode } from "react";
import { Button } from "../ui/controls";
import { Empty } from "../ui/display";

/** A part of the page that fails does not take the rest with it; after an update of the server an old part may be gone. */
export class Guard extends Component<{ children: ReactNode }, { failure: Error | null }> {
    override state: { failure: Error | null } = { failure: null };

    static getDerivedStateFromError(failure: Error) {
        return { failure };
    }

    override render() {
        if (!this.state.failure) return this.props.children;
        return (
            <main className="page">
                <Empty
                    icon="alert"
                    title="This part of the page failed"
                    action={
                        <Button
                            tone="primary"
                            icon="refresh"
                            onClick={() => window.location.reload()}
                        >
                            Reload
                        </Button>
                    }
                >
                    {"The server may have been updated, and a reload brings the new page. Sessions on hosts go on. "}
                    <code>{this.state.failure.message.slice(0, 200)}</code>
                </Empty>
            </main>
        );
    }
}
