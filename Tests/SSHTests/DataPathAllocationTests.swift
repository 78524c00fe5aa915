import Foundation
import TestSupport
import Testing

/// Counts what channel data allocates from one end to the other, in a program of its own under a malloc that counts.
@Suite struct DataPathAllocationTests {
    #if os(Linux)
    /// What remains are the questions that tell how far a window may grow, one for each few megabytes.
    @Test("packets of channel data and the adjustments of their window allocate nothing, with every cipher")
    func channelData() async throws {
        let allocator = try await CountingAllocator()
        let output = try await ChildProcess.tool(
            Products.folder.appendingPathComponent("engine-bench").path, ["allocations"],
            environment: allocator.environment)
        let lines = output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.count == 18)
        for line in lines {
            let count = try #require(line.last.flatMap { Int($0) })
            // For 1,000 packets.
            #expect(count < 50, "\(line)")
        }
    }
    #endif
}
