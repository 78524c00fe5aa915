// The packet path alone, without network: seals and opens packets of one size for a while and prints its speed beside that
// of libcrypto's primitives, measured in the same run.
//
//     swift run -c release packet-benchmark              all ciphers
//     swift run -c release packet-benchmark aes256-ctr   those whose name starts so
//
// With LD_PRELOAD of a library that exports `malloc_count`, it prints the allocations of 1,000 packets after the first
// thousand instead (see Tests/SSHCryptoTests/AllocationTests.swift).

import NIOCore
import SSHCrypto

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

struct Path {
    let cipher: CipherName
    let mac: MACName?
    let sealer: PacketSealer
    let opener: PacketOpener
    var wire = ByteBuffer()
    var sequence: UInt32 = 0

    var name: String { cipher.rawValue + (mac.map { " + " + $0.rawValue } ?? "") }

    init(cipher: CipherName, mac: MACName?) throws {
        self.cipher = cipher
        self.mac = mac
        let key = randomBytes(cipher.keyLength)
        let iv = randomBytes(cipher.ivLength)
        let macKey = randomBytes(mac?.keyLength ?? 0)
        sealer = try PacketSealer(cipher: cipher, mac: mac, key: key, iv: iv, macKey: macKey)
        opener = try PacketOpener(cipher: cipher, mac: mac, key: key, iv: iv, macKey: macKey)
    }

    static let all: [(CipherName, MACName?)] = CipherName.allCases.flatMap { cipher -> [(CipherName, MACName?)] in
        if cipher.isAEAD { return [(cipher, nil)] }
        return (cipher.isLegacy ? MACName.allCases : MACName.standard).map { (cipher, $0) }
    }

    mutating func seal(_ payload: ByteBuffer, count: Int) throws {
        wire.clear()
        for index in 0..<count {
            try sealer.seal(payload, sequenceNumber: sequence &+ UInt32(index), into: &wire)
        }
    }

    mutating func open(count: Int) throws {
        for _ in 0..<count {
            guard try opener.open(&wire, sequenceNumber: sequence, maximumPacketLength: 300_000) != nil else {
                throw SSHCryptoError(.invalidLength, "A packet is missing.", hint: "")
            }
            sequence &+= 1
        }
    }
}

func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func fixed(_ value: Double, _ digits: Int = 2) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let whole = Int((value * scale).rounded())
    guard digits > 0 else { return String(whole) }
    let fraction = String(whole % Int(scale))
    return "\(whole / Int(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
}

func padded(_ text: String, _ width: Int) -> String {
    text.count >= width ? text : String(repeating: " ", count: width - text.count) + text
}

func measure(_ path: inout Path, size: Int) throws -> (seal: Double, open: Double) {
    let payload = ByteBuffer(bytes: randomBytes(size))
    let batch = max(1, 256 * 1024 / size)
    var (sealing, opening, bytes) = (0.0, 0.0, 0.0)
    while sealing + opening < 0.4 {
        let start = cpuSeconds()
        try path.seal(payload, count: batch)
        let middle = cpuSeconds()
        try path.open(count: batch)
        opening += cpuSeconds() - middle
        sealing += middle - start
        bytes += Double(batch * size)
    }
    return (bytes / sealing / 1e6, bytes / opening / 1e6)
}

func countAllocations(_ path: inout Path, with count: @convention(c) () -> Int) throws -> Int {
    let payload = ByteBuffer(bytes: randomBytes(1000))
    for _ in 0..<100 {
        try path.seal(payload, count: 10)
        try path.open(count: 10)
    }
    let before = count()
    for _ in 0..<100 {
        try path.seal(payload, count: 10)
        try path.open(count: 10)
    }
    return count() - before
}

let wanted = CommandLine.arguments.dropFirst().first ?? ""
let counter = dlsym(dlopen(nil, RTLD_NOW), "malloc_count").map {
    unsafeBitCast($0, to: (@convention(c) () -> Int).self)
}
var libcrypto = LibcryptoSpeed()
if counter == nil {
    print(
        """
        Payload in MB for each second of CPU time, seal and open; x: of what the openssl program does with the same
        primitives one after the other; s/GB: seal and open together.

        """)
}
for (cipher, mac) in Path.all where cipher.rawValue.hasPrefix(wanted) {
    var path = try Path(cipher: cipher, mac: mac)
    if let counter {
        print(path.name, try countAllocations(&path, with: counter), separator: "\t")
        continue
    }
    print(path.name)
    for size in [32_768, 1024, 64] {
        let speed = try measure(&path, size: size)
        var line = padded("\(size) B", 10) + padded(fixed(speed.seal, 0), 8) + padded(fixed(speed.open, 0), 8)
        if let peer = libcrypto.megabytes(cipher, mac, size: size) {
            line += padded(fixed(speed.seal / peer), 8) + " x" + padded(fixed(speed.open / peer), 8) + " x"
        }
        print(line + padded(fixed(1000 / speed.seal + 1000 / speed.open), 8) + " s/GB")
    }
}
