import { useEffect, useState } from "react";
import { api, type ApiError, asApiError } from "../api/client";
import type { TrustInfo } from "../api/types";
import { replace } from "../app/router";
import { useStore } from "../app/store";
import { Button, Choice, CopyButton } from "../ui/controls";
import { PageHead, Problem, Skeleton } from "../ui/display";
import { Mark } from "../ui/Icon";

type System = "iphone" | "android" | "mac" | "windows" | "linux";

const systems: { value: System; label: string }[] = [
    { value: "iphone", label: "iPhone" },
    { value: "android", label: "Android" },
    { value: "mac", label: "Mac" },
    { value: "windows", label: "Windows" },
    { value: "linux", label: "Linux" },
];

const steps: Record<System, string[]> = {
    iphone: [
        "Download the certificate in Safari and allow the profile.",
        "Settings, General, VPN & Device Management: open the downloaded profile and install it.",
        "Settings, General, About, Certificate Trust Settings: turn on full trust for it.",
    ],
    android: [
        "Download the certificate.",
        "Settings, Security, More security settings, Install from storage (or: Encryption & credentials): CA certificate.",
        "Choose the downloaded file. Chrome takes it at once; Firefox asks for it in its own settings.",
    ],
    mac: [
        "Download the certificate and open it: it goes into Keychain Access.",
        "Open it there; under Trust, choose Always Trust for SSL.",
    ],
    windows: [
        "Download the certificate, open it, Install Certificate, for the current user.",
        "Place it in the store Trusted Root Certification Authorities.",
    ],
    linux: [
        "Chromium: Settings, Privacy and security, Security, Manage certificates, Authorities: import it for websites.",
        "Firefox: Settings, Privacy & Security, View Certificates, Authorities: import it for websites.",
        "For programs on Debian and Ubuntu: copy it to /usr/local/share/ca-certificates and run update-ca-certificates.",
    ],
};

function ownSystem(): System {
    const agent = navigator.userAgent;
    if (/iPhone|iPad/.test(agent)) return "iphone";
    if (/Android/.test(agent)) return "android";
    if (/Mac OS/.test(agent)) return "mac";
    return /Windows/.test(agent) ? "windows" : "linux";
}

/** How a device is told to trust this copilot, so that nothing has to be clicked away and the page can be installed. */
export function Trust() {
    const [info, setInfo] = useState<TrustInfo | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [system, setSystem] = useState(ownSystem);
    const isSignedIn = useStore((s) => s.phase) === "signed-in";
    useEffect(() => void api.trust().then(setInfo, (problem) => setError(asApiError(problem))), []);
    const content = (
        <div className="narrow trust" data-testid="trust-page">
            <PageHead title="Trust this copilot" note="Once on each device. Then it warns of nothing, and can be installed." />
            {error && <Problem error={error} />}
            {!info && !error && <Skeleton rows={4} />}
            {info && !info.isOwn && (
                <section className="panel">
                    <p>
                        This copilot's certificate is of an authority that your organisation or the web knows. There is
                        nothing to install from here.
                    </p>
                </section>
            )}
            {info?.isOwn && (
                <>
                    <section className="panel stack" aria-label="Compare">
                        <h2>1. Compare</h2>
                        <p>
                            Ask whoever runs this copilot for its fingerprint, by another way than this page. It is also
                            printed by <code>openssl x509 -fingerprint -sha256 -in …/tls/authority.pem</code> on its
                            machine.
                        </p>
                        <code className="trust-fingerprint" data-testid="trust-fingerprint">
                            {(info.fingerprint.match(/[^:]+:?/g) ?? []).map((pair, index) => <span key={index}>{pair}<wbr /></span>)}
                        </code>
                        <CopyButton text={info.fingerprint} label="Copy the fingerprint" />
                    </section>
                    <section className="panel stack" aria-label="Install">
                        <h2>2. Install</h2>
                        <Choice label="Your device" value={system} options={systems} onChange={setSystem} testid="trust-system" />
                        <ol className="trust-steps">{steps[system].map((step) => <li key={step}>{step}</li>)}</ol>
                        <a className="button primary" href="/trust/authority.crt" download data-testid="trust-download">
                            <span className="button-text">Download the certificate</span>
                        </a>
                        <p className="muted">
                            It can vouch for this copilot's own names and for no other site, until {info.until}. When the
                            copilot gets another name, it makes another one.
                        </p>
                    </section>
                </>
            )}
            {!isSignedIn && (
                <Button onClick={() => replace("/sign-in")}>To the sign-in</Button>
            )}
        </div>
    );
    if (isSignedIn) return content;
    return (
        <main className="page trust-outside">
            <Mark size={40} />
            {content}
        </main>
    );
}
