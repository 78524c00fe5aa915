import { useState } from "react";
import { api, asApiError } from "../api/client";
import type { Recording } from "../api/types";
import { toastError, useMay } from "../app/store";
import { Menu } from "../ui/controls";
import { Icon } from "../ui/Icon";

const FORMATS = [
    { form: "asciicast", label: "asciicast v2 (asciinema)" },
    { form: "asciicast3", label: "asciicast v3" },
    { form: "html", label: "Web page that plays offline" },
    { form: "text", label: "Text" },
    { form: "ttyrec", label: "ttyrec" },
] as const;

/** The recording as a file, for those who may take it out. */
export function Exports({ recording }: { recording: Recording }) {
    const mayExport = useMay("recording.export");
    const [isBusy, setBusy] = useState(false);
    if (!mayExport) return null;
    const download = async (form: string) => {
        setBusy(true);
        try {
            // A download carries the cookie it finds: make sure that it is a good one.
            await api.ensureFresh();
            const anchor = document.createElement("a");
            anchor.href = `/api/recordings/${encodeURIComponent(recording.id)}/${form}`;
            anchor.download = "";
            document.body.append(anchor);
            anchor.click();
            anchor.remove();
        } catch (problem) {
            toastError(asApiError(problem));
        }
        setBusy(false);
    };
    return (
        <Menu
            label="Export this recording"
            testid="download-menu"
            className="labelled"
            items={FORMATS.map(({ form, label }) => ({
                label,
                testid: `download-${form}`,
                disabled: isBusy,
                run: () => void download(form),
            }))}
        >
            <span className="button plain">
                <Icon name="download" size={18} />
                <span className="button-text">Export</span>
            </span>
        </Menu>
    );
}
