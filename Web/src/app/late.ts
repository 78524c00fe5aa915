// Parts of the page that come later bring their style sheets later, too. The build writes into the page's head which file
// belongs to which part: <meta name="style-terminal" content="/assets/…css">. src/late has one file for each.

const loading = new Map<string, Promise<void>>();

function style(part: string): Promise<void> {
    const address = document.querySelector<HTMLMetaElement>(`meta[name="style-${part}"]`)?.content;
    if (!address) return Promise.resolve();
    const known = loading.get(part);
    if (known) return known;
    const loaded = new Promise<void>((resolve) => {
        const link = document.createElement("link");
        link.rel = "stylesheet";
        link.href = address;
        // Without its style a part is ugly, but there; after an update of the server the file may be gone.
        link.onload = link.onerror = () => resolve();
        document.head.append(link);
    });
    loading.set(part, loaded);
    return loaded;
}

/** A part and its style sheet, both there before it is shown. */
export async function withStyle<T>(part: string, module: Promise<T>): Promise<T> {
    const [loaded] = await Promise.all([module, style(part)]);
    return loaded;
}
