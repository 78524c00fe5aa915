import Foundation
import SSHKeys

/// From when to when a certificate is valid, as `ssh-keygen -V` writes it.
///
///     try CertificateValidity("+8h", now: now)            // from now on, for eight hours
///     try CertificateValidity("-1m:20270101Z", now: now)  // from a minute ago to the end of 2026
public struct CertificateValidity: Sendable, Hashable {
    /// Seconds since 1970; 0 for no beginning.
    public let after: UInt64
    /// Seconds since 1970; the largest number for no end.
    public let before: UInt64

    public static let unlimited = CertificateValidity(
        after: CertificateContents.always, before: CertificateContents.forever)

    private init(after: UInt64, before: UInt64) {
        self.after = after
        self.before = before
    }

    /// - Parameters:
    ///   - text: "[FROM:]TO". Each is a time (YYYYMMDD, YYYYMMDDHHMM[SS], local, or UTC with a Z), a distance from now
    ///     ("+52w", "-1d", "+1h30m"), seconds since 1970 in hexadecimal (0x…), or "always" and "forever".
    ///   - now: seconds since 1970.
    public init(_ text: String, now: UInt64) throws(Failure) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let last = parts.last, !last.isEmpty else { throw Self.wrong(text) }
        // A host whose clock is a little behind must not find the certificate still to come.
        let minute = (now < 59 ? 0 : now - 59) / 60 * 60
        let start = parts.count == 2 ? try Self.time(parts[0], "always", .min, now: now, text) : minute
        let end = try Self.time(last, "forever", .max, now: now, text)
        guard start < end else {
            throw Failure("The validity “\(text)” ends before it begins.", hint: "Write it as FROM:TO.")
        }
        after = start
        before = end
    }

    private static func time(
        _ text: String, _ open: String, _ value: UInt64, now: UInt64, _ whole: String
    ) throws(Failure) -> UInt64 {
        if text == open { return value }
        if text.hasPrefix("0x"), let seconds = UInt64(text.dropFirst(2), radix: 16) { return seconds }
        if let sign = text.first, sign == "+" || sign == "-" {
            guard let distance = TimeSpan.seconds(String(text.dropFirst())) else { throw wrong(whole) }
            let (sum, overflows) =
                sign == "+" ? now.addingReportingOverflow(distance) : now.subtractingReportingOverflow(distance)
            guard !overflows else { throw wrong(whole) }
            return sum
        }
        guard let time = ExpiryTime(text) else { throw wrong(whole) }
        return time.seconds
    }

    private static func wrong(_ text: String) -> Failure {
        Failure(
            "“\(text)” is no validity.",
            hint: "Write it as +8h, +52w, -1m:+1d, 20270101:20280101, always:forever (local time, or UTC with a Z).")
    }

    /// As `ssh-keygen -L` prints it, in local time.
    public var text: String {
        switch (after, before) {
        case (CertificateContents.always, CertificateContents.forever): "forever"
        case (CertificateContents.always, _): "before \(Self.local(before))"
        case (_, CertificateContents.forever): "after \(Self.local(after))"
        default: "from \(Self.local(after)) to \(Self.local(before))"
        }
    }

    public init(_ contents: CertificateContents) {
        self.init(after: contents.validAfter, before: contents.validBefore)
    }

    /// A time in the local zone.
    static func local(_ seconds: UInt64) -> String {
        guard var time = time_t(exactly: seconds) else { return "\(seconds)" }
        var parts = tm()
        guard localtime_r(&time, &parts) != nil else { return "\(seconds)" }
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A span of time as OpenSSH's "TIME FORMATS" write it: "90", "10m", "1h30m", "1w2d".
public enum TimeSpan {
    /// Seconds; nil for anything else, and for more than 2^63 of them.
    public static func seconds(_ text: String) -> UInt64? {
        guard !text.isEmpty else { return nil }
        var total: UInt64 = 0
        var rest = text[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let number = UInt64(digits), let unit = unit(rest.dropFirst(digits.count).first) else { return nil }
            let (product, isTooLarge) = number.multipliedReportingOverflow(by: unit)
            let (sum, overflows) = total.addingReportingOverflow(product)
            guard !isTooLarge, !overflows, sum <= UInt64(Int64.max) else { return nil }
            total = sum
            rest = rest.dropFirst(digits.count + 1)
        }
        return total
    }

    private static func unit(_ letter: Character?) -> UInt64? {
        switch letter {
        case nil, "s", "S": 1
        case "m", "M": 60
        case "h", "H": 3600
        case "d", "D": 86400
        case "w", "W": 7 * 86400
        default: nil
        }
    }
}
