import SSH
import SSHCrypto

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The display of this machine, and its cookie as `xauth` knows it. Blocks on that program.
package enum DisplayCookie {
    /// - Throws: Why X11 cannot be forwarded.
    package static func find(_ configuration: SSHConfiguration, _ log: ConnectionLog) throws(Failure) -> X11Display {
        guard let name = getenv("DISPLAY").map({ String(cString: $0) }), !name.isEmpty else {
            throw Failure("DISPLAY is not set: there is nothing to forward X11 to.", hint: "", status: .connection)
        }
        let cookie: [UInt8]
        if configuration.trustsX11 {
            cookie = list(configuration, name, file: nil) ?? makeUp(log)
        } else {
            // Without a cookie that limits them the host's programs could read every key of this display.
            guard let limited = untrusted(configuration, name) else {
                throw Failure(
                    "xauth made no cookie for untrusted X11 forwarding.",
                    hint: "Trust the host's programs with your display: -Y", status: .connection)
            }
            cookie = limited
        }
        guard let display = X11Display(name: name, cookie: cookie) else {
            throw Failure("DISPLAY “\(name)” names no display.", hint: "", status: .connection)
        }
        return display
    }

    /// A display that wants no cookie takes any.
    private static func makeUp(_ log: ConnectionLog) -> [UInt8] {
        log.say("Warning: No xauth data; using fake authentication data for X11 forwarding.")
        return randomBytes(16)
    }

    private static func list(_ configuration: SSHConfiguration, _ name: String, file: String?) -> [UInt8]? {
        guard let xauth = configuration.xauthProgram, access(xauth, X_OK) == 0 else { return nil }
        // xauth knows local displays as "unix:0".
        let asked = name.hasPrefix(":") ? "unix" + name : name
        let place = file.map { ["-f", $0] } ?? []
        guard let result = LocalProgram.run([xauth] + place + ["list", asked], limit: 64 * 1024), result.status == 0
        else { return nil }
        for line in String(decoding: result.output, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let fields = line.split(whereSeparator: \.isWhitespace)
            if fields.count == 3, fields[1] == "MIT-MAGIC-COOKIE-1" { return bytes(hexadecimal: String(fields[2])) }
        }
        return nil
    }

    private static func untrusted(_ configuration: SSHConfiguration, _ name: String) -> [UInt8]? {
        guard let xauth = configuration.xauthProgram, access(xauth, X_OK) == 0 else { return nil }
        var template = Array("/tmp/copilot-xauth-XXXXXX".utf8CString)
        guard let path = mkdtemp(&template).map({ String(cString: $0) }) else { return nil }
        let file = path + "/cookie"
        defer {
            unlink(file)
            rmdir(path)
        }
        // A little longer than we let connections in.
        let seconds = configuration.x11Timeout.components.seconds
        let timeout = seconds > 0 ? ["timeout", "\(min(seconds + 60, Int64(Int32.max)))"] : []
        let words = [xauth, "-f", file, "generate", name, "MIT-MAGIC-COOKIE-1", "untrusted"] + timeout
        guard LocalProgram.run(words, limit: 64 * 1024)?.status == 0 else { return nil }
        return list(configuration, name, file: file)
    }

    private static func bytes(hexadecimal text: String) -> [UInt8]? {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, !digits.isEmpty, digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
