/// Why a text is not read further. Every such text is `unknown`.
struct ShellSyntaxError: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
