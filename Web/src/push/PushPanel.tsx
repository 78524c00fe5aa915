import { useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { PushDevice } from "../api/types";
import { toast } from "../app/store";
import { Button } from "../ui/controls";
import { Problem, Skeleton } from "../ui/display";
import { ago, inert } from "../ui/text";
import { deviceName, needsInstalling, type PushState, pushState, turnPushOff, turnPushOn } from "./push";

const words: Record<PushState, string> = {
    on: "This device is told, also while the page is closed.",
    off: "This device can be told while the page is closed.",
    denied: "This browser was told not to show notifications of this page: allow them in its settings.",
    unsupported: "This browser has no push for this page. What happens is in the inbox.",
};

/** Which of a person's devices are told by push. */
export function PushPanel() {
    const [state, setState] = useState<PushState | null>(null);
    const [devices, setDevices] = useState<PushDevice[] | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [isBusy, setBusy] = useState(false);
    const reload = async () => {
        try {
            setDevices(await api.pushDevices());
            setState(await pushState());
        } catch (problem) {
            setError(asApiError(problem));
        }
    };
    useEffect(() => void reload(), []);
    const attempt = async (act: () => Promise<unknown>) => {
        setBusy(true);
        setError(null);
        try {
            await act();
        } catch (problem) {
            setError(asApiError(problem));
        }
        await reload();
        setBusy(false);
    };
    const turnOff = async () => {
        const own = deviceName(navigator.userAgent);
        await turnPushOff();
        const device = devices?.filter((one) => one.device === own);
        if (device?.length === 1 && device[0]) await api.removePushDevice(device[0].id);
    };
    const test = async () => {
        const { sent } = await api.testPush();
        toast(sent === 1 ? "On its way to one device" : `On its way to ${sent} devices`, { tone: "good" });
    };
    return (
        <section className="panel" aria-label="Push">
            <h2>On your devices</h2>
            {error && <Problem compact error={error} />}
            <div className="setting">
                <div>
                    <strong>This device</strong>
                    <p className="muted" data-testid="push-state" data-state={state ?? ""}>
                        {state ? words[state] : "…"}
                        {needsInstalling() && " On an iPhone, first put the page on the home screen: Share, Add to Home Screen."}
                    </p>
                </div>
                <div className="setting-control">
                    {state === "on"
                        ? (
                            <Button busy={isBusy} data-testid="push-off" onClick={() => void attempt(turnOff)}>
                                Turn off
                            </Button>
                        )
                        : (
                            <Button
                                tone="primary"
                                icon="bell"
                                busy={isBusy}
                                disabled={state !== "off"}
                                data-testid="push-on"
                                onClick={() => void attempt(turnPushOn)}
                            >
                                Tell this device
                            </Button>
                        )}
                </div>
            </div>
            {!devices && !error && <Skeleton rows={1} />}
            {devices && devices.length > 0 && (
                <>
                    <ul className="device-list">
                        {devices.map((device) => (
                            <li key={device.id} data-testid="push-device">
                                <span>
                                    <strong>{inert(device.device, 80)}</strong>
                                    <small className="muted">
                                        {device.lastSentAt ? `told ${ago(device.lastSentAt)}` : `since ${ago(device.createdAt)}`}
                                    </small>
                                </span>
                                <Button
                                    tone="quiet"
                                    icon="trash"
                                    aria-label={`Tell ${inert(device.device, 80)} no more`}
                                    data-testid="push-remove"
                                    onClick={() => void attempt(() => api.removePushDevice(device.id))}
                                />
                            </li>
                        ))}
                    </ul>
                    <Button icon="send" busy={isBusy} data-testid="push-test" onClick={() => void attempt(test)}>
                        Send a test
                    </Button>
                </>
            )}
        </section>
    );
}
