import { Banner } from "../terminal/Banner";
import type { TerminalChannel } from "../terminal/channel";
import { Button } from "../ui/controls";
import { inert } from "../ui/text";
import type { KeyboardRequest } from "./requests";

/** Somebody asks for the keyboard: one tap gives it to the very seat that asked. */
export function RequestBanner({ channel, request, openPeople }: {
    channel: TerminalChannel;
    request: KeyboardRequest;
    openPeople: () => void;
}) {
    const mayHold = request.mode === "control";
    const name = inert(request.name, 40);
    return (
        <Banner
            tone="info"
            icon="hand"
            testid="banner-requested"
            title={`${name} asks for the keyboard.`}
            actions={
                <>
                    {mayHold
                        ? (
                            <Button
                                small
                                tone="primary"
                                icon="give"
                                data-testid="give-requested"
                                onClick={() => {
                                    channel.giveKeyboard(request.seatId);
                                    channel.clearRequest();
                                }}
                            >
                                Give it to {inert(request.name, 24)}
                            </Button>
                        )
                        : (
                            <Button
                                small
                                tone="primary"
                                onClick={() => {
                                    channel.clearRequest();
                                    openPeople();
                                }}
                            >
                                People
                            </Button>
                        )}
                    <Button small onClick={channel.declineRequest} data-testid="keep-requested">Not now</Button>
                </>
            }
        >
            {mayHold ? "Or go on typing." : `${name} may only watch: give control first.`}
        </Banner>
    );
}
