import Foundation
import TestSupport
import Testing

@testable import SSHCrypto

/// Counts what the packet path allocates, in a program of its own under a malloc that counts.
@Suite struct AllocationTests {
    #if os(Linux)
    @Test("a thousand packets sealed and opened after the first thousand allocate nothing, with every cipher and MAC")
    func packets() async throws {
        let allocator = try await CountingAllocator()
        let output = try await ChildProcess.tool(
            Products.folder.appendingPathComponent("packet-benchmark").path, [], environment: allocator.environment)
        let lines = output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        // 3 AEAD ciphers, 3 in counter mode with 4 MACs, 4 legacy ones with 6.
        #expect(lines.count == 39)
        for line in lines { #expect(line.last == "0", "\(line)") }
    }
    #endif
}
