import { api, ApiError } from "../api/client";
import type { FileEntry, FileListing, FileText, UploadState } from "./types";

/** Text as the bytes of a path; "/" stays. What the server gave as `encoded` is taken as it is. */
export const encodePath = (text: string) => encodeURIComponent(text).replaceAll("%2F", "/");

/** The path of something in a folder, both percent-encoded. */
export const joined = (folder: string, name: string) => `${folder === "/" ? "" : folder}/${encodePath(name)}`;

const base = (session: string) => `/api/sessions/${encodeURIComponent(session)}/files`;

export const fileUrl = (session: string, path: string) => `${base(session)}?path=${path}`;

export const archiveUrl = (session: string, paths: string[]) =>
    `${base(session)}/archive?${paths.map((path) => `path=${path}`).join("&")}`;

export const listFolder = (session: string, path: string, cursor: string | null, signal?: AbortSignal) =>
    api.request<FileListing>(
        "GET",
        `${base(session)}?path=${path}&limit=2000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`,
        undefined,
        signal,
    );

export const readText = (session: string, path: string, end: boolean) =>
    api.request<FileText>("GET", `${base(session)}/text?path=${path}${end ? "&from=end" : ""}`);

export const makeFolder = async (session: string, path: string) =>
    (await api.request<{ entry: FileEntry }>("POST", `${base(session)}/folder?path=${path}`)).entry;

export const rename = async (session: string, path: string, to: string, replace = false) =>
    (await api.request<{ entry: FileEntry }>(
        "POST",
        `${base(session)}/rename?path=${path}&to=${to}${replace ? "&replace=true" : ""}`,
    )).entry;

export const setMode = async (session: string, path: string, mode: string) =>
    (await api.request<{ entry: FileEntry }>("POST", `${base(session)}/mode?path=${path}&mode=${mode}`)).entry;

export const uploadOffset = async (session: string, path: string, upload: string) =>
    (await api.request<UploadState>("GET", `${base(session)}/upload?path=${path}&upload=${upload}`)).offset;

export const dropUpload = (session: string, path: string, upload: string) =>
    api.request<void>("DELETE", `${base(session)}/upload?path=${path}&upload=${upload}`);

export const removeOne = (session: string, path: string) =>
    api.request<void>("DELETE", `${base(session)}?path=${path}`);

export interface FileProgress {
    bytes?: number;
    sha256?: string;
    removed?: number;
    done?: boolean;
    error?: string;
    code?: string;
    hint?: string;
}

/** Long work at the host, told in lines. The last line is returned; an error in it is thrown. */
async function follow(
    method: "GET" | "DELETE",
    path: string,
    signal: AbortSignal,
    tell: (progress: FileProgress) => void,
): Promise<FileProgress> {
    await api.ensureFresh();
    const response = await fetch(path, {
        method,
        signal,
        credentials: "same-origin",
        cache: "no-store",
        headers: method === "GET" ? {} : { "Content-Type": "application/json" },
    });
    if (!response.ok || !response.body) throw await problemOf(response.status, await response.text());
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    let last: FileProgress = {};
    for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines.filter(Boolean)) {
            last = JSON.parse(line);
            tell(last);
        }
    }
    if (last.error) throw new ApiError(409, last.code ?? "failed", last.error, last.hint ?? "");
    if (!last.sha256 && !last.done) {
        throw new ApiError(0, "offline", "The connection ended before it was done.", "Try again.");
    }
    return last;
}

export const removeTree = (session: string, path: string, signal: AbortSignal, tell: (p: FileProgress) => void) =>
    follow("DELETE", `${base(session)}?path=${path}&recursive=true`, signal, tell);

export const checksum = (session: string, path: string, signal: AbortSignal, tell: (p: FileProgress) => void) =>
    follow("GET", `${base(session)}/hash?path=${path}`, signal, tell);

/** The refusal in an answer that did not come through the client. */
export function problemOf(status: number, text: string): ApiError {
    let body: Record<string, unknown> = {};
    try {
        body = JSON.parse(text);
    } catch {
        // No words of the server's: the status is all there is.
    }
    return new ApiError(
        status,
        typeof body.code === "string" ? body.code : `http_${status}`,
        typeof body.error === "string" ? body.error : `The server answered with status ${status}.`,
        typeof body.hint === "string" ? body.hint : "",
        body,
    );
}

/** Saves a text over the version that was read. */
export async function saveText(
    session: string,
    path: string,
    text: string,
    version: string | null,
): Promise<UploadState> {
    await api.ensureFresh();
    const response = await fetch(`${base(session)}?path=${path}`, {
        method: "PUT",
        credentials: "same-origin",
        cache: "no-store",
        headers: {
            "Content-Type": "application/octet-stream",
            ...(version ? { "If-Match": `"${version}"` } : { "If-None-Match": "*" }),
        },
        body: new Blob([text]),
    });
    const answer = await response.text();
    if (!response.ok) throw problemOf(response.status, answer);
    return JSON.parse(answer);
}

export interface PutOptions {
    session: string;
    path: string;
    file: File;
    offset: number;
    upload: string;
    replace: boolean;
    signal: AbortSignal;
    progress: (sent: number) => void;
}

/** Sends a file from an offset on. Only this old kind of request says how much has gone out. */
export function put({ session, path, file, offset, upload, replace, signal, progress }: PutOptions) {
    return new Promise<UploadState>((resolve, reject) => {
        const request = new XMLHttpRequest();
        const query = new URLSearchParams({ offset: String(offset), size: String(file.size), upload });
        if (file.lastModified > 0) query.set("modified", String(Math.floor(file.lastModified / 1000)));
        request.open("PUT", `${base(session)}?path=${path}&${query}`);
        request.setRequestHeader("Content-Type", "application/octet-stream");
        if (!replace) request.setRequestHeader("If-None-Match", "*");
        request.upload.onprogress = (event) => progress(offset + event.loaded);
        const abort = () => request.abort();
        signal.addEventListener("abort", abort);
        request.onloadend = () => signal.removeEventListener("abort", abort);
        request.onload = () => {
            if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
            else reject(problemOf(request.status, request.responseText));
        };
        request.onerror = () =>
            reject(
                new ApiError(0, "offline", "The connection broke.", "It goes on where it stood when you resume it."),
            );
        request.onabort = () => reject(new DOMException("stopped", "AbortError"));
        request.send(offset > 0 ? file.slice(offset) : file);
    });
}
