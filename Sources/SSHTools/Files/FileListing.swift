// Lines of `ls`, made here of what the host says in numbers: its own lines for people are its word alone.

import SFTP

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A name with what is known of it.
struct ListedFile: Hashable {
    /// As it is shown.
    var name: String
    var attributes: FileAttributes
}

struct FileListing {
    /// Names of accounts by their numbers, as far as the host tells.
    var users: [UInt32: String] = [:]
    var groups: [UInt32: String] = [:]
    let flags: FileCommand.ListFlags
    /// Seconds since 1970: what is younger than half a year is shown with its hour.
    let now: Int

    /// In the order that the flags ask for.
    func sorted(_ files: [ListedFile]) -> [ListedFile] {
        guard !flags.isUnsorted else { return flags.isReversed ? files.reversed() : files }
        let sorted = files.sorted { first, second in
            let size = (first.attributes.size ?? 0, second.attributes.size ?? 0)
            if flags.sortsBySize, size.0 != size.1 { return size.0 > size.1 }
            let time = (first.attributes.times?.modified ?? 0, second.attributes.times?.modified ?? 0)
            if flags.sortsByTime, time.0 != time.1 { return time.0 > time.1 }
            return first.name.utf8.lexicographicallyPrecedes(second.name.utf8)
        }
        return flags.isReversed ? sorted.reversed() : sorted
    }

    func lines(_ files: [ListedFile], columns: Int) -> [String] {
        let sorted = sorted(files)
        if flags.isLong { return sorted.map(line) }
        let names = sorted.map { Printable.line($0.name) }
        return flags.isOneColumn ? names : ColumnLayout.rows(names, columns: columns)
    }

    private func line(_ file: ListedFile) -> String {
        let attributes = file.attributes
        let size =
            flags.isHumanReadable
            ? ByteSize.short(Double(attributes.size ?? 0)) : String(attributes.size ?? 0)
        return [
            Self.mode(attributes.permissions ?? 0), "?".leftPadded(4),
            owner(attributes.owner?.user, users).padded(8), owner(attributes.owner?.group, groups).padded(8),
            size.leftPadded(flags.isHumanReadable ? 7 : 11), date(attributes.times?.modified),
            Printable.line(file.name),
        ].joined(separator: " ")
    }

    private func owner(_ number: UInt32?, _ names: [UInt32: String]) -> String {
        guard let number else { return "?" }
        if !flags.isNumeric, let name = names[number] { return Printable.line(name) }
        return String(number)
    }

    static func mode(_ mode: UInt32) -> String {
        let kind =
            switch mode & 0o170000 {
            case 0o040000: "d"
            case 0o120000: "l"
            case 0o020000: "c"
            case 0o060000: "b"
            case 0o010000: "p"
            case 0o140000: "s"
            default: "-"
            }
        var letters = "rwxrwxrwx".enumerated().map { index, letter in
            mode & (0o400 >> UInt32(index)) != 0 ? letter : "-"
        }
        for (bit, index, letter) in [(UInt32(0o4000), 2, "s"), (0o2000, 5, "s"), (0o1000, 8, "t")]
        where mode & bit != 0 {
            letters[index] = Character(letters[index] == "x" ? letter : letter.uppercased())
        }
        return kind + String(letters)
    }

    private func date(_ seconds: UInt32?) -> String {
        guard let seconds else { return "?".leftPadded(12) }
        var time = time_t(seconds)
        var parts = tm()
        localtime_r(&time, &parts)
        let isRecent = abs(now - Int(seconds)) < 183 * 86_400
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, text.count, isRecent ? "%b %e %H:%M" : "%b %e  %Y", &parts)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension String {
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
    func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
