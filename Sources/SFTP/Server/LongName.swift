// The line for people in a directory listing: draft-ietf-secsh-filexfer-02 §7.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Lines as of `ls -l`, with numbers for owners: names of accounts would need a slow look-up for each file.
enum LongName {
    static func of(_ name: RemotePath, _ information: stat) -> String {
        line(name, FileAttributes(information), links: UInt64(information.st_nlink))
    }

    static func line(_ name: RemotePath, _ attributes: FileAttributes, links: UInt64 = 1) -> String {
        var line: [UInt8] = mode(attributes.permissions ?? 0)
        append(links, width: 4, to: &line)
        append(UInt64(attributes.owner?.user ?? 0), width: 9, to: &line)
        append(UInt64(attributes.owner?.group ?? 0), width: 9, to: &line)
        append(attributes.size ?? 0, width: 11, to: &line)
        line.append(UInt8(ascii: " "))
        line += date(attributes.times?.modified ?? 0)
        line.append(UInt8(ascii: " "))
        // No name may forge a second line.
        line += name.bytes.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0 }
        return String(decoding: line, as: UTF8.self)
    }

    private static func mode(_ mode: UInt32) -> [UInt8] {
        let kind: UInt8 =
            switch mode & 0o170000 {
            case 0o040000: UInt8(ascii: "d")
            case 0o120000: UInt8(ascii: "l")
            case 0o020000: UInt8(ascii: "c")
            case 0o060000: UInt8(ascii: "b")
            case 0o010000: UInt8(ascii: "p")
            case 0o140000: UInt8(ascii: "s")
            default: UInt8(ascii: "-")
            }
        return [kind]
            + "rwxrwxrwx".utf8.enumerated().map { index, letter in
                mode & (0o400 >> UInt32(index)) != 0 ? letter : UInt8(ascii: "-")
            }
    }

    private static func append(_ number: UInt64, width: Int, to line: inout [UInt8]) {
        let digits = Array(String(number).utf8)
        line += Array(repeating: UInt8(ascii: " "), count: max(1, width - digits.count)) + digits
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// UTC: "Nov 21 05:49  2026" would be ambiguous in a shared listing, so it is "Nov 21  2026".
    private static func date(_ seconds: UInt32) -> [UInt8] {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        let month = months.indices.contains(Int(parts.tm_mon)) ? months[Int(parts.tm_mon)] : "???"
        let day = parts.tm_mday < 10 ? " \(parts.tm_mday)" : "\(parts.tm_mday)"
        return Array("\(month) \(day)  \(Int(parts.tm_year) + 1900)".utf8)
    }
}
