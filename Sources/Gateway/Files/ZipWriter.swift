import CLibZ
import NIOCore

/// A zip archive as it is written, front to back (APPNOTE.TXT 6.3.10): each file is deflated as it comes, its sizes and
/// checksum stand behind it, and where 32 bits do not hold a size the 64-bit fields do.
///
/// Files are always deflated, never stored: a reader that works front to back finds the end of a stored one only by
/// its size, which is not known yet.
struct ZipWriter {
    /// What goes on in a file of the archive that is open.
    private struct Open {
        var record: Record
        let deflate: DeflateStream
        var checksum: UInt = 0
    }

    /// What the directory at the end says of a file.
    private struct Record {
        let name: [UInt8]
        let modified: UInt32
        let mode: UInt32
        let isLarge: Bool
        let isFolder: Bool
        let offset: UInt64
        var checksum: UInt32 = 0
        var compressed: UInt64 = 0
        var size: UInt64 = 0
    }

    private static let largest32 = UInt64(UInt32.max)
    /// Deflate adds little to what it cannot compress; from here on a file may need 64-bit sizes.
    private static let large: UInt64 = 0xF000_0000

    private var offset: UInt64 = 0
    private var open: Open?
    private var directory = ByteBuffer()
    private(set) var count: UInt64 = 0

    /// Begins a file.
    ///
    /// - Parameters:
    ///   - name: UTF-8, with "/" between its parts and none at its end.
    ///   - modified: Seconds since 1970.
    ///   - mode: Permissions.
    ///   - atMost: Bytes that the file will have at most.
    mutating func begin(_ name: [UInt8], modified: UInt32, mode: UInt32, atMost: UInt64) -> ByteBuffer {
        let record = Record(
            name: name, modified: modified, mode: 0o100000 | (mode & 0o777), isLarge: atMost >= Self.large,
            isFolder: false, offset: offset)
        open = Open(record: record, deflate: DeflateStream())
        return wrote(Self.localHeader(record))
    }

    /// The next bytes of the file that is open, as they stand in the archive.
    mutating func add(_ piece: ByteBuffer) -> ByteBuffer {
        guard var open else { return ByteBuffer() }
        self.open = nil
        piece.withUnsafeReadableBytes { bytes in
            guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
            open.checksum = crc32(open.checksum, start, UInt32(truncatingIfNeeded: bytes.count))
        }
        open.record.size += UInt64(piece.readableBytes)
        let bytes = open.deflate.add(piece)
        open.record.compressed += UInt64(bytes.readableBytes)
        self.open = open
        return wrote(bytes)
    }

    /// Ends the file that is open.
    mutating func end() -> ByteBuffer {
        guard var open else { return ByteBuffer() }
        self.open = nil
        var bytes = open.deflate.finish()
        open.record.compressed += UInt64(bytes.readableBytes)
        open.record.checksum = UInt32(truncatingIfNeeded: open.checksum)
        bytes.writeInteger(UInt32(0x0807_4B50), endianness: .little)
        bytes.writeInteger(open.record.checksum, endianness: .little)
        if open.record.isLarge {
            bytes.writeInteger(open.record.compressed, endianness: .little)
            bytes.writeInteger(open.record.size, endianness: .little)
        } else {
            bytes.writeInteger(UInt32(truncatingIfNeeded: open.record.compressed), endianness: .little)
            bytes.writeInteger(UInt32(truncatingIfNeeded: open.record.size), endianness: .little)
        }
        list(open.record)
        return wrote(bytes)
    }

    mutating func folder(_ name: [UInt8], modified: UInt32, mode: UInt32) -> ByteBuffer {
        let record = Record(
            name: name + [UInt8(ascii: "/")], modified: modified, mode: 0o040000 | (mode & 0o777), isLarge: false,
            isFolder: true, offset: offset)
        list(record)
        return wrote(Self.localHeader(record))
    }

    /// The directory, with which the archive ends.
    mutating func finish() -> ByteBuffer {
        let (start, size) = (offset, UInt64(directory.readableBytes))
        var bytes = directory
        directory = ByteBuffer()
        if count >= 0xFFFF || start >= Self.largest32 || size >= Self.largest32 {
            bytes.writeInteger(UInt32(0x0606_4B50), endianness: .little)
            bytes.writeInteger(UInt64(44), endianness: .little)
            for version in [UInt16(0x032D), 45] { bytes.writeInteger(version, endianness: .little) }
            for disk in [UInt32(0), 0] { bytes.writeInteger(disk, endianness: .little) }
            for value in [count, count, size, start] { bytes.writeInteger(value, endianness: .little) }
            bytes.writeInteger(UInt32(0x0706_4B50), endianness: .little)
            bytes.writeInteger(UInt32(0), endianness: .little)
            bytes.writeInteger(start + size, endianness: .little)
            bytes.writeInteger(UInt32(1), endianness: .little)
        }
        bytes.writeInteger(UInt32(0x0605_4B50), endianness: .little)
        for disk in [UInt16(0), 0] { bytes.writeInteger(disk, endianness: .little) }
        for _ in 0..<2 { bytes.writeInteger(UInt16(clamping: count), endianness: .little) }
        bytes.writeInteger(UInt32(clamping: size), endianness: .little)
        bytes.writeInteger(UInt32(clamping: start), endianness: .little)
        bytes.writeInteger(UInt16(0), endianness: .little)
        return wrote(bytes)
    }

    private mutating func wrote(_ bytes: ByteBuffer) -> ByteBuffer {
        offset += UInt64(bytes.readableBytes)
        return bytes
    }

    // MARK: Records

    private static func localHeader(_ record: Record) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeInteger(UInt32(0x0403_4B50), endianness: .little)
        writeShared(record, to: &bytes)
        // Zero: what stands behind the file counts. 64-bit fields have to be announced here, though.
        let unknown = record.isLarge ? UInt32.max : 0
        for value in [UInt32(0), unknown, unknown] { bytes.writeInteger(value, endianness: .little) }
        bytes.writeInteger(UInt16(truncatingIfNeeded: record.name.count), endianness: .little)
        bytes.writeInteger(UInt16(record.isLarge ? 20 + 9 : 9), endianness: .little)
        bytes.writeBytes(record.name)
        if record.isLarge {
            for value in [UInt16(1), 16] { bytes.writeInteger(value, endianness: .little) }
            for value in [UInt64(0), 0] { bytes.writeInteger(value, endianness: .little) }
        }
        writeTime(record, to: &bytes)
        return bytes
    }

    /// Version, flags (sizes behind the file, name in UTF-8), method, time.
    private static func writeShared(_ record: Record, to bytes: inout ByteBuffer) {
        bytes.writeInteger(UInt16(record.isLarge ? 45 : 20), endianness: .little)
        bytes.writeInteger(UInt16(record.isFolder ? 0x0800 : 0x0808), endianness: .little)
        bytes.writeInteger(UInt16(record.isFolder ? 0 : 8), endianness: .little)
        let (date, time) = DOSTime.fields(record.modified)
        bytes.writeInteger(time, endianness: .little)
        bytes.writeInteger(date, endianness: .little)
    }

    /// The time in seconds and UTC, which the DOS fields are not.
    private static func writeTime(_ record: Record, to bytes: inout ByteBuffer) {
        for value in [UInt16(0x5455), 5] { bytes.writeInteger(value, endianness: .little) }
        bytes.writeInteger(UInt8(1))
        bytes.writeInteger(record.modified, endianness: .little)
    }

    private mutating func list(_ record: Record) {
        count += 1
        let isOffsetLarge = record.offset >= Self.largest32
        var extra = ByteBuffer()
        if record.isLarge || isOffsetLarge {
            let length = (record.isLarge ? 16 : 0) + (isOffsetLarge ? 8 : 0)
            for value in [UInt16(1), UInt16(length)] { extra.writeInteger(value, endianness: .little) }
            if record.isLarge {
                for value in [record.size, record.compressed] { extra.writeInteger(value, endianness: .little) }
            }
            if isOffsetLarge { extra.writeInteger(record.offset, endianness: .little) }
        }
        Self.writeTime(record, to: &extra)
        directory.writeInteger(UInt32(0x0201_4B50), endianness: .little)
        directory.writeInteger(UInt16(0x032D), endianness: .little)
        Self.writeShared(record, to: &directory)
        directory.writeInteger(record.checksum, endianness: .little)
        for size in [record.compressed, record.size] {
            let value = record.isLarge ? UInt32.max : UInt32(clamping: size)
            directory.writeInteger(value, endianness: .little)
        }
        directory.writeInteger(UInt16(truncatingIfNeeded: record.name.count), endianness: .little)
        directory.writeInteger(UInt16(extra.readableBytes), endianness: .little)
        for value in [UInt16(0), 0, 0] { directory.writeInteger(value, endianness: .little) }
        directory.writeInteger(record.mode << 16 | (record.isFolder ? 0x10 : 0), endianness: .little)
        directory.writeInteger(UInt32(clamping: record.offset), endianness: .little)
        directory.writeBytes(record.name)
        directory.writeBuffer(&extra)
    }
}

/// Days and seconds as DOS had them, in UTC, from 1980 on.
enum DOSTime {
    static func fields(_ seconds: UInt32) -> (date: UInt16, time: UInt16) {
        let (days, inDay) = (Int(seconds) / 86400, Int(seconds) % 86400)
        // Days to a date of the Gregorian calendar, counted from the first of March of the year 0.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let civilMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
        guard year >= 1980 else { return (0x0021, 0) }
        let date = min(year - 1980, 127) << 9 | civilMonth << 5 | day
        let time = (inDay / 3600) << 11 | (inDay / 60 % 60) << 5 | (inDay % 60) / 2
        return (UInt16(truncatingIfNeeded: date), UInt16(truncatingIfNeeded: time))
    }
}

/// Raw deflate of a stream. Not Sendable: owned by whoever writes the archive.
final class DeflateStream {
    // Allocated, since zlib keeps the address of the stream and compares it.
    private let stream: UnsafeMutablePointer<z_stream>
    private let isReady: Bool

    /// Level 1: the link is to be filled, and most that is worth it comes with the first level.
    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        isReady =
            deflateInit2_(
                stream, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
            == Z_OK
    }

    deinit {
        if isReady { deflateEnd(stream) }
        stream.deallocate()
    }

    func add(_ piece: ByteBuffer) -> ByteBuffer {
        piece.withUnsafeReadableBytes { source in
            run(UnsafeMutablePointer(mutating: source.bindMemory(to: UInt8.self).baseAddress), source.count, Z_NO_FLUSH)
        }
    }

    func finish() -> ByteBuffer { run(nil, 0, Z_FINISH) }

    private func run(_ source: UnsafeMutablePointer<UInt8>?, _ count: Int, _ flush: Int32) -> ByteBuffer {
        var output = ByteBuffer()
        guard isReady, count > 0 || flush == Z_FINISH else { return output }
        stream.pointee.next_in = source
        stream.pointee.avail_in = UInt32(truncatingIfNeeded: count)
        var isMore = true
        while isMore {
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: max(1024, count / 2)) { target in
                stream.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
                stream.pointee.avail_out = UInt32(truncatingIfNeeded: target.count)
                let result = deflate(stream, flush)
                // A full buffer says that there may be more; an error gives nothing more.
                isMore = (result == Z_OK || result == Z_BUF_ERROR) && stream.pointee.avail_out == 0
                return target.count - Int(stream.pointee.avail_out)
            }
        }
        return output
    }
}
