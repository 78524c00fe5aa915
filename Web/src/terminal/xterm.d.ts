// The part of xterm.js 5.5 that this page uses.

declare module "@xterm/xterm" {
    export interface IDisposable {
        dispose(): void;
    }
    export interface ITheme {
        [color: string]: string | undefined;
    }
    export interface ILinkHandler {
        activate(event: MouseEvent, text: string): void;
        allowNonHttpProtocols?: boolean;
    }
    export interface ITerminalOptions {
        allowProposedApi?: boolean;
        cols?: number;
        rows?: number;
        cursorBlink?: boolean;
        cursorInactiveStyle?: string;
        disableStdin?: boolean;
        drawBoldTextInBrightColors?: boolean;
        fontFamily?: string;
        fontSize?: number;
        fontWeightBold?: string | number;
        lineHeight?: number;
        linkHandler?: ILinkHandler | null;
        macOptionIsMeta?: boolean;
        minimumContrastRatio?: number;
        scrollback?: number;
        screenReaderMode?: boolean;
        smoothScrollDuration?: number;
        theme?: ITheme;
        customGlyphs?: boolean;
        rescaleOverlappingGlyphs?: boolean;
    }
    export interface IBufferLine {
        readonly isWrapped: boolean;
        translateToString(trimRight?: boolean): string;
        getCell(x: number): IBufferCell | undefined;
    }
    export interface IBufferCell {
        getWidth(): number;
        getChars(): string;
        getCode(): number;
        getFgColor(): number;
        getBgColor(): number;
        isFgDefault(): boolean;
        isBgDefault(): boolean;
        isFgRGB(): boolean;
        isBgRGB(): boolean;
        isBold(): number;
        isItalic(): number;
        isDim(): number;
        isUnderline(): number;
        isInverse(): number;
        isInvisible(): number;
        isStrikethrough(): number;
    }
    export interface IBuffer {
        readonly type: "normal" | "alternate";
        readonly cursorX: number;
        readonly cursorY: number;
        readonly viewportY: number;
        readonly baseY: number;
        readonly length: number;
        getLine(y: number): IBufferLine | undefined;
    }
    export interface IMarker extends IDisposable {
        readonly line: number;
    }
    export interface IDecoration extends IDisposable {
        readonly marker: IMarker;
    }
    export interface IFunctionIdentifier {
        prefix?: string;
        intermediates?: string;
        final: string;
    }
    export interface IParser {
        registerCsiHandler(id: IFunctionIdentifier, callback: (params: (number | number[])[]) => boolean): IDisposable;
        registerDcsHandler(
            id: IFunctionIdentifier,
            callback: (data: string, params: (number | number[])[]) => boolean,
        ): IDisposable;
        registerEscHandler(id: IFunctionIdentifier, callback: () => boolean): IDisposable;
        registerOscHandler(ident: number, callback: (data: string) => boolean): IDisposable;
    }
    export interface IUnicodeVersionProvider {
        readonly version: string;
        wcwidth(codepoint: number): 0 | 1 | 2;
        charProperties(codepoint: number, preceding: number): number;
    }
    export interface ITerminalAddon extends IDisposable {
        activate(terminal: Terminal): void;
    }
    export class Terminal implements IDisposable {
        constructor(options?: ITerminalOptions);
        readonly element: HTMLElement | undefined;
        readonly textarea: HTMLTextAreaElement | undefined;
        readonly cols: number;
        readonly rows: number;
        readonly buffer: { readonly active: IBuffer; readonly normal: IBuffer };
        readonly modes: {
            readonly applicationCursorKeysMode: boolean;
            readonly bracketedPasteMode: boolean;
            readonly mouseTrackingMode: "none" | "x10" | "vt200" | "drag" | "any";
        };
        readonly parser: IParser;
        readonly unicode: { register(provider: IUnicodeVersionProvider): void; activeVersion: string };
        options: ITerminalOptions;
        onData(listener: (data: string) => void): IDisposable;
        onBinary(listener: (data: string) => void): IDisposable;
        onRender(listener: () => void): IDisposable;
        onResize(listener: () => void): IDisposable;
        onBell(listener: () => void): IDisposable;
        onTitleChange(listener: (title: string) => void): IDisposable;
        onCursorMove(listener: () => void): IDisposable;
        onScroll(listener: () => void): IDisposable;
        onSelectionChange(listener: () => void): IDisposable;
        open(parent: HTMLElement): void;
        attachCustomKeyEventHandler(handler: (event: KeyboardEvent) => boolean): void;
        write(data: Uint8Array | string, done?: () => void): void;
        resize(columns: number, rows: number): void;
        reset(): void;
        focus(): void;
        blur(): void;
        hasSelection(): boolean;
        getSelection(): string;
        getSelectionPosition(): { start: { x: number; y: number }; end: { x: number; y: number } } | undefined;
        clearSelection(): void;
        select(column: number, row: number, length: number): void;
        scrollToLine(line: number): void;
        registerMarker(cursorYOffset: number): IMarker | undefined;
        registerDecoration(options: {
            marker: IMarker;
            x?: number;
            width?: number;
            backgroundColor?: string;
            overviewRulerOptions?: { color: string };
        }): IDecoration | undefined;
        scrollLines(amount: number): void;
        scrollToBottom(): void;
        loadAddon(addon: ITerminalAddon): void;
        dispose(): void;
    }
}

declare module "@xterm/addon-web-links" {
    import type { ITerminalAddon, Terminal } from "@xterm/xterm";
    export class WebLinksAddon implements ITerminalAddon {
        constructor(activate: (event: MouseEvent, uri: string) => void);
        activate(terminal: Terminal): void;
        dispose(): void;
    }
}

declare module "@xterm/addon-webgl" {
    import type { ITerminalAddon, Terminal } from "@xterm/xterm";
    export class WebglAddon implements ITerminalAddon {
        activate(terminal: Terminal): void;
        onContextLoss(listener: () => void): void;
        dispose(): void;
    }
}
