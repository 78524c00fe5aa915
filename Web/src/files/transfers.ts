import { useSyncExternalStore } from "react";
import { ApiError, asApiError } from "../api/client";
import { toast } from "../app/store";
import { tellActivity } from "./activity";
import { checksum, dropUpload, joined, listFolder, makeFolder, put, removeOne, removeTree, uploadOffset } from "./filesApi";
import type { Dropped } from "./dropped";
import { freeName } from "./ordering";
import type { FileEntry } from "./types";

export type TransferPhase = "waiting" | "running" | "paused" | "exists" | "failed" | "done";

/** Something that takes its time: an upload, the removal of a folder, a checksum. */
export interface Transfer {
    id: number;
    session: string;
    kind: "upload" | "remove" | "checksum";
    name: string;
    /** Percent-encoded, of the file itself. */
    path: string;
    phase: TransferPhase;
    /** Bytes or files so far, and of how many; null where nobody knows. */
    done: number;
    total: number | null;
    /** Bytes a second, of the last moments. */
    speed: number;
    error: ApiError | null;
    result: string | null;
}

interface Job {
    transfer: Transfer;
    file?: File;
    folder?: string;
    upload?: string;
    replace: boolean;
    stop: AbortController;
    isWanted: "run" | "pause" | "cancel";
    samples: { at: number; done: number }[];
}

/** More at once would only share the same link. */
const AT_ONCE = 2;
const SALT = "copilot.uploads";

const jobs = new Map<number, Job>();
const listeners = new Set<() => void>();
const finished = new Set<(transfer: Transfer) => void>();
let shown: Transfer[] = [];
let nextID = 1;
let isTold = false;

function tell() {
    // Many changes of one moment are one for whoever looks.
    if (isTold) return;
    isTold = true;
    requestAnimationFrame(() => {
        isTold = false;
        shown = [...jobs.values()].map((job) => job.transfer);
        const counts: Record<string, number> = {};
        for (const one of shown.filter(isActive)) counts[one.session] = (counts[one.session] ?? 0) + 1;
        tellActivity(counts);
        for (const listener of [...listeners]) listener();
    });
}

function change(job: Job, values: Partial<Transfer>) {
    job.transfer = { ...job.transfer, ...values };
    tell();
}

export const useTransfers = (): Transfer[] =>
    useSyncExternalStore((listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
    }, () => shown);

/** Calls when something has changed at the host. Returns how to stop it. */
export function onFinished(listener: (transfer: Transfer) => void): () => void {
    finished.add(listener);
    return () => void finished.delete(listener);
}

export const isActive = (transfer: Transfer) => transfer.phase === "waiting" || transfer.phase === "running";

function add(job: Omit<Job, "stop" | "isWanted" | "samples" | "transfer">, transfer: Omit<Transfer, "id" | "phase" | "done" | "speed" | "error" | "result">): Job {
    const made: Job = {
        ...job,
        stop: new AbortController(),
        isWanted: "run",
        samples: [],
        transfer: { ...transfer, id: nextID++, phase: "waiting", done: 0, speed: 0, error: null, result: null },
    };
    jobs.set(made.transfer.id, made);
    tell();
    return made;
}

function next() {
    const all = [...jobs.values()];
    const running = all.filter((job) => job.transfer.phase === "running").length;
    for (const job of all.filter((one) => one.transfer.phase === "waiting").slice(0, Math.max(0, AT_ONCE - running))) {
        change(job, { phase: "running", error: null });
        void run(job);
    }
}

async function run(job: Job) {
    job.stop = new AbortController();
    job.isWanted = "run";
    job.samples = [];
    try {
        const result = await work(job);
        change(job, { phase: "done", result, done: job.transfer.total ?? job.transfer.done, speed: 0 });
        for (const listener of [...finished]) listener(job.transfer);
    } catch (problem) {
        settle(job, problem);
    }
    next();
}

function settle(job: Job, problem: unknown) {
    if (problem instanceof DOMException && problem.name === "AbortError") {
        if (job.isWanted === "cancel") {
            jobs.delete(job.transfer.id);
            if (job.upload) void dropUpload(job.transfer.session, job.transfer.path, job.upload).catch(() => undefined);
            return tell();
        }
        return change(job, { phase: "paused", speed: 0 });
    }
    const error = asApiError(problem);
    if (error.code === "file_exists") return change(job, { phase: "exists", speed: 0 });
    // A broken link is no failure of the file's: it waits to go on.
    change(job, { phase: error.isOffline ? "paused" : "failed", error, speed: 0 });
}

function progress(job: Job, done: number) {
    const now = performance.now();
    job.samples = [...job.samples.filter((sample) => now - sample.at < 3_000), { at: now, done }];
    const first = job.samples[0];
    const speed = first && now - first.at > 300 ? ((done - first.done) * 1000) / (now - first.at) : job.transfer.speed;
    change(job, { done, speed: Math.max(0, speed) });
}

async function work(job: Job): Promise<string | null> {
    const { session, path, kind } = job.transfer;
    if (kind === "remove") {
        const last = await removeTree(session, path, job.stop.signal, (line) => progress(job, line.removed ?? 0));
        return `${last.removed ?? 0} removed`;
    }
    if (kind === "checksum") {
        const last = await checksum(session, path, job.stop.signal, (line) => progress(job, line.bytes ?? 0));
        return last.sha256 ?? null;
    }
    return upload(job);
}

// MARK: Uploads

async function upload(job: Job): Promise<string | null> {
    const { session, path } = job.transfer;
    if (!job.file || !job.upload) return null;
    for (let attempt = 0;; attempt += 1) {
        const offset = await uploadOffset(session, path, job.upload);
        if (job.stop.signal.aborted) throw new DOMException("stopped", "AbortError");
        progress(job, Math.min(offset, job.file.size));
        try {
            const answer = await put({
                session,
                path,
                file: job.file,
                offset: Math.min(offset, job.file.size),
                upload: job.upload,
                replace: job.replace,
                signal: job.stop.signal,
                progress: (sent) => progress(job, sent),
            });
            if (answer.complete) return answer.sha256 ?? null;
        } catch (problem) {
            const error = problem instanceof ApiError ? problem : null;
            // Another request of the same upload was still ending: where it stands now is asked once more.
            if (error?.code !== "upload_offset" || attempt >= 3) throw problem;
        }
        if (attempt >= 3) throw new ApiError(0, "offline", "The connection broke.", "Resume it.");
    }
}

/** The same file to the same place goes on where an earlier page of this browser left it. */
async function uploadName(session: string, path: string, file: File): Promise<string> {
    let salt = localStorage.getItem(SALT);
    if (!salt) {
        salt = crypto.randomUUID();
        localStorage.setItem(SALT, salt);
    }
    const words = [salt, path, file.name, file.size, file.lastModified].join("\n");
    if (!crypto.subtle) return crypto.randomUUID?.() ?? `upload-${Date.now()}-${session.slice(-8)}`;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(words)));
    return [...digest.slice(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Puts what was dropped into a folder into the queue; folders are made first. */
export async function uploadInto(session: string, folder: string, dropped: Dropped) {
    const problems: ApiError[] = [];
    for (const folders of dropped.folders) {
        const path = folders.reduce(joined, folder);
        try {
            await makeFolder(session, path);
        } catch (problem) {
            const error = asApiError(problem);
            if (error.code !== "file_exists") problems.push(error);
            if (error.status === 403) break;
        }
    }
    const problem = problems[0];
    if (problem) return toast(problem.message, { tone: "bad", hint: problem.hint });
    const taken = await names(session, folder);
    for (const { file, folders } of dropped.files) {
        const place = folders.reduce(joined, folder);
        const path = joined(place, file.name);
        const job = add(
            { file, folder: place, upload: await uploadName(session, path, file), replace: false },
            { session, kind: "upload", name: [...folders, file.name].join("/"), path, total: file.size },
        );
        if (folders.length === 0 && taken.has(file.name)) change(job, { phase: "exists" });
    }
    next();
}

async function names(session: string, folder: string): Promise<Set<string>> {
    try {
        return new Set((await listFolder(session, folder, null)).entries.map((entry) => entry.name));
    } catch {
        // The upload itself says what is wrong.
        return new Set();
    }
}

export function remove(session: string, entry: FileEntry) {
    if (entry.kind !== "folder") {
        void removeOne(session, entry.encoded)
            .then(() => finished.forEach((listener) => listener({ ...blank, session, path: entry.encoded })))
            .catch((problem) => {
                const error = asApiError(problem);
                toast(error.message, { tone: "bad", hint: error.hint });
            });
        return;
    }
    add({ replace: false }, { session, kind: "remove", name: entry.name, path: entry.encoded, total: null });
    next();
}

const blank: Transfer = {
    id: 0,
    session: "",
    kind: "remove",
    name: "",
    path: "",
    phase: "done",
    done: 0,
    total: null,
    speed: 0,
    error: null,
    result: null,
};

export function sum(session: string, entry: FileEntry) {
    add({ replace: false }, { session, kind: "checksum", name: entry.name, path: entry.encoded, total: entry.size });
    next();
}

// MARK: What a person does with one

export function pause(id: number) {
    const job = jobs.get(id);
    if (!job) return;
    job.isWanted = "pause";
    if (job.transfer.phase === "running") job.stop.abort();
    else if (job.transfer.phase === "waiting") change(job, { phase: "paused" });
}

export function resume(id: number) {
    const job = jobs.get(id);
    if (!job) return;
    change(job, { phase: "waiting", error: null });
    next();
}

export function cancel(id: number) {
    const job = jobs.get(id);
    if (!job) return;
    job.isWanted = "cancel";
    if (job.transfer.phase === "running") return job.stop.abort();
    jobs.delete(id);
    if (job.upload && job.transfer.phase !== "exists" && job.transfer.phase !== "done") {
        void dropUpload(job.transfer.session, job.transfer.path, job.upload).catch(() => undefined);
    }
    tell();
}

/** What becomes of a file whose name is taken. */
export async function decide(id: number, choice: "replace" | "both" | "skip") {
    const job = jobs.get(id);
    if (!job) return;
    if (choice === "skip") return cancel(id);
    if (choice === "replace") job.replace = true;
    else if (job.folder !== undefined && job.file) {
        const name = freeName(job.file.name, await names(job.transfer.session, job.folder));
        change(job, { name, path: joined(job.folder, name) });
    }
    resume(id);
}

export function clearFinished(session: string) {
    for (const [id, job] of jobs) {
        if (job.transfer.session === session && job.transfer.phase === "done") jobs.delete(id);
    }
    tell();
}

// What stopped for want of a link goes on by itself.
window.addEventListener("online", () => {
    for (const job of jobs.values()) {
        if (job.transfer.phase === "paused" && job.transfer.error?.isOffline) resume(job.transfer.id);
    }
});
