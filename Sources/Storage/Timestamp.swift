#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A moment, in microseconds since 1970-01-01T00:00:00Z. All times in the store are of this type.
public struct Timestamp: Sendable, Hashable, Comparable, SQLBindable {
    public var microseconds: Int64

    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// The wall clock.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    public var sqlValue: SQLValue { .integer(microseconds) }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    /// A later (or earlier) moment; stops at the ends of the range.
    public static func + (time: Timestamp, duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let whole = seconds.multipliedReportingOverflow(by: 1_000_000)
        let change = whole.partialValue.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        let sum = time.microseconds.addingReportingOverflow(change.partialValue)
        guard !whole.overflow, !change.overflow, !sum.overflow else {
            return Timestamp(microseconds: seconds < 0 ? .min : .max)
        }
        return Timestamp(microseconds: sum.partialValue)
    }

    public static func - (time: Timestamp, duration: Duration) -> Timestamp {
        time + (.zero - duration)
    }

    /// The time from `earlier` to `later`.
    public static func - (later: Timestamp, earlier: Timestamp) -> Duration {
        let difference = later.microseconds.subtractingReportingOverflow(earlier.microseconds)
        return .microseconds(difference.overflow ? (later < earlier ? .min : .max) : difference.partialValue)
    }

    /// ISO 8601 in UTC with milliseconds: `2026-01-31T09:05:00.123Z`.
    public var iso8601: String {
        let milliseconds = Self.floorDivide(microseconds, 1000)
        let (days, inDay) = (Self.floorDivide(milliseconds, 86_400_000), Self.modulo(milliseconds, 86_400_000))
        let (year, month, day) = Self.civil(days: days)
        let seconds = inDay / 1000
        return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))T"
            + "\(Self.padded(seconds / 3600, 2)):\(Self.padded(seconds / 60 % 60, 2)):"
            + "\(Self.padded(seconds % 60, 2)).\(Self.padded(inDay % 1000, 3))Z"
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    private static func modulo(_ value: Int64, _ divisor: Int64) -> Int64 {
        let remainder = value % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }

    /// The Gregorian date of a day counted from 1970-01-01. Years start in March here, so that the leap day is the last.
    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = modulo(shifted, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
