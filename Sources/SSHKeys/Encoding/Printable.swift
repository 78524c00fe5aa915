/// Text from outside, made safe to show: control characters could drive the terminal of whoever reads an error.
enum Printable {
    /// The first 64 characters of `text`, with everything but printable ASCII as a question mark.
    static func text(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.prefix(64).map { (0x20...0x7e).contains($0.value) ? $0 : "?" })
        )
    }
}
