#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A point in time as authorized_keys (`expiry-time=`) and `ssh-keygen -V` write it: YYYYMMDD, YYYYMMDDHHMM or
/// YYYYMMDDHHMMSS, local, or UTC with a Z behind it.
public struct ExpiryTime: Sendable, Hashable {
    /// Since 1970.
    public let seconds: UInt64

    /// nil for a text that is no such time.
    public init?(_ text: String) {
        let isUTC = text.hasSuffix("Z") || text.hasSuffix("z")
        let digits = Array((isUTC ? text.dropLast() : text[...]).utf8)
        guard [8, 12, 14].contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        func number(_ range: Range<Int>) -> Int {
            range.reduce(0) { value, index in
                digits.indices.contains(index) ? value * 10 + Int(digits[index] - 0x30) : 0
            }
        }
        let year = number(0..<4)
        let month = number(4..<6)
        let day = number(6..<8)
        guard year >= 1970, (1...12).contains(month), (1...Self.days(of: month, in: year)).contains(day) else {
            return nil
        }
        let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
        guard hour < 24, minute < 60, second < 60 else { return nil }
        let utc = (Self.daysSince1970(year, month, day) * 24 + hour) * 3600 + minute * 60 + second
        guard !isUTC else {
            seconds = UInt64(utc)
            return
        }
        var parts = tm()
        parts.tm_year = Int32(year - 1900)
        parts.tm_mon = Int32(month - 1)
        parts.tm_mday = Int32(day)
        parts.tm_hour = Int32(hour)
        parts.tm_min = Int32(minute)
        parts.tm_sec = Int32(second)
        parts.tm_isdst = -1
        guard let local = UInt64(exactly: mktime(&parts)) else { return nil }
        seconds = local
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func days(of month: Int, in year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let before = year - 1
        let leaps = before / 4 - before / 100 + before / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400)
        return (year - 1970) * 365 + leaps + (1..<month).reduce(0) { $0 + days(of: $1, in: year) } + day - 1
    }
}
