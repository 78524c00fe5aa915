// Turns the bundler's output into the folder that the server serves: index.html, service worker, notices, build.json.
// Usage: node finish.mjs DIST METAFILE INPUTS_HASH
import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const [dist, metaFile, inputs] = process.argv.slice(2);
const web = join(dirname(fileURLToPath(import.meta.url)), "..");
const meta = JSON.parse(readFileSync(metaFile, "utf8"));
const outputs = Object.entries(meta.outputs).map(([path, info]) => ({
    path: `assets/${path.split("/assets/").pop()}`,
    ...info,
}));

const entry = outputs.find((output) => output.entryPoint?.endsWith("src/main.tsx"));
if (!entry) throw new Error("the bundle has no entry for src/main.tsx");
const style = `assets/${
    entry.cssBundle
        ? entry.cssBundle.split("/assets/").pop()
        : outputs.find((o) => /\/main-\w+\.css$/.test("/" + o.path)).path.slice(7)
}`;
const preload = staticImports(entry.path).filter((path) => path !== entry.path);

function staticImports(path, seen = new Set()) {
    if (seen.has(path)) return [];
    seen.add(path);
    const imports = outputs.find((output) => output.path === path).imports;
    for (const item of imports) {
        if (item.kind === "import-statement") staticImports(`assets/${item.path.split("/assets/").pop()}`, seen);
    }
    return [...seen];
}

cpSync(join(web, "static"), dist, { recursive: true });
const licence = readFileSync("/usr/share/doc/fonts-jetbrains-mono/copyright", "utf8");
writeFileSync(
    join(dist, "THIRD-PARTY-NOTICES.txt"),
    readFileSync(join(web, "static/THIRD-PARTY-NOTICES.txt"), "utf8") + "\n" + licence,
);

// The style sheets of parts that come later, by the name of the part: src/app/late.ts loads them.
const late = outputs.filter(({ entryPoint }) => /src\/late\/\w+\.css$/.test(entryPoint ?? "")).map(({ path, entryPoint }) =>
    `<meta name="style-${/(\w+)\.css$/.exec(entryPoint)[1]}" content="/${path}">`
);

const html = readFileSync(join(web, "tools/index.html"), "utf8")
    .replace(
        "<!--head-->",
        [
            ...preload.map((path) => `<link rel="modulepreload" href="/${path}">`),
            `<link rel="stylesheet" href="/${style}">`,
            ...late,
            `<script type="module" src="/${entry.path}"></script>`,
        ].join("\n    "),
    );
writeFileSync(join(dist, "index.html"), html);

const shell = ["/", "/icon.svg", "/manifest.webmanifest", ...outputs.map((output) => "/" + output.path)]
    .filter((path) => !path.endsWith(".txt"));
const worker = join(dist, "sw.js");
writeFileSync(
    worker,
    readFileSync(worker, "utf8").replace('"__VERSION__"', JSON.stringify(inputs.slice(0, 16)))
        .replace("__SHELL__", JSON.stringify(shell)),
);

const files = walk(dist).map((path) => {
    const data = readFileSync(path);
    return {
        path: relative(dist, path),
        bytes: data.length,
        gzip: gzipSync(data, { level: 9 }).length,
        sha256: createHash("sha256").update(data).digest("hex"),
    };
}).sort((a, b) => (a.path < b.path ? -1 : 1));
const size = (paths) => files.filter((file) => paths.includes(file.path)).reduce((sum, file) => sum + file.gzip, 0);
const firstLoad = [entry.path, style, ...preload, "index.html"];
const workspace = outputs.find(({ entryPoint }) => entryPoint?.endsWith("src/terminal/Workspace.tsx"));
const terminalStyle = outputs.find(({ entryPoint }) => entryPoint?.endsWith("src/late/terminal.css"));
const terminal = [...staticImports(workspace.path), terminalStyle.path];
const build = {
    protocol: 1,
    version: inputs.slice(0, 16),
    inputs,
    firstLoadGzip: size(firstLoad),
    withTerminalGzip: size([...new Set([...firstLoad, ...terminal])]),
    files,
};
writeFileSync(join(dist, "build.json"), JSON.stringify(build, null, 1) + "\n");
console.log(`first load ${(build.firstLoadGzip / 1024).toFixed(1)} KB gzip, ${
    (build.withTerminalGzip / 1024).toFixed(1)
} KB with a terminal, ${files.length} files`);

function walk(folder) {
    return readdirSync(folder).flatMap((name) => {
        const path = join(folder, name);
        return statSync(path).isDirectory() ? walk(path) : name === "build.json" ? [] : [path];
    });
}
