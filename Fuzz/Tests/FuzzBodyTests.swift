import Foundation
import Testing

/// The fuzz targets without libFuzzer: what they once found, and as many changed seeds as there is time for.
@Suite(.serialized) struct FuzzBodyTests {
    @Test("nothing that a fuzzer found comes back", arguments: FuzzTarget.all.map(\.name))
    func finds(name: String) async throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        for file in try Self.files(of: name) {
            await #expect(throws: Never.self, "\(file.lastPathComponent)") {
                try await target.run(Array(try Data(contentsOf: file)))
            }
        }
    }

    @Test("seeds, and seeds that were changed, break no promise", arguments: FuzzTarget.all.map(\.name))
    func changedSeeds(name: String) async throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let seeds = target.seeds() + (try Self.files(of: name).map { Array(try Data(contentsOf: $0)) }) + [[]]
        for seed in seeds { try await target.run(seed) }
        var noise = Noise(state: 1)
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(400)
        for _ in 0..<1000 where clock.now < end {
            let input = noise.change(seeds[noise.below(seeds.count)])
            do { try await target.run(input) } catch {
                Issue.record("\(error) in \(Data(input).base64EncodedString())")
                return
            }
        }
    }

    /// Seeds of real tools and what was found, in the folder of this package.
    private static func files(of name: String) throws -> [URL] {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try ["Finds", "Seeds"].flatMap { kind -> [URL] in
            let folder = package.appendingPathComponent("\(kind)/\(name)")
            guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
            return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
                .sorted { $0.path < $1.path }
        }
    }
}

/// The same changes in every run.
private struct Noise {
    var state: UInt64

    mutating func next() -> UInt64 {
        // Numbers of Steele, Lea and Flood's SplitMix64.
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(1, count))) }

    /// A few bytes changed, taken out, put in or repeated.
    mutating func change(_ seed: [UInt8]) -> [UInt8] {
        var bytes = seed
        for _ in 0...below(6) {
            let place = below(bytes.count + 1)
            switch below(6) {
            case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(below(8))
            case 1 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: next())
            case 2 where place < bytes.count: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][below(5)]
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + below(9)))
            case 4: bytes.insert(contentsOf: (0..<below(9)).map { _ in UInt8(truncatingIfNeeded: next()) }, at: place)
            default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + below(40))], at: place)
            }
        }
        return bytes
    }
}
