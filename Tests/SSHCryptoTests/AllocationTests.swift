import Foundation
import Testing

@testable import SSHCrypto

/// Counts what the packet path allocates, in a program of its own under a malloc that counts.
@Suite struct AllocationTests {
    /// Stands before glibc's allocator and counts; `packet-benchmark` asks for the number by its name.
    private static let counter = """
        #include <stddef.h>
        void *__libc_malloc(size_t);
        void *__libc_calloc(size_t, size_t);
        void *__libc_realloc(void *, size_t);
        void *__libc_memalign(size_t, size_t);
        static long count;
        long malloc_count(void) { return count; }
        void *malloc(size_t size) { count++; return __libc_malloc(size); }
        void *calloc(size_t items, size_t size) { count++; return __libc_calloc(items, size); }
        void *realloc(void *old, size_t size) { count++; return __libc_realloc(old, size); }
        void *memalign(size_t alignment, size_t size) { count++; return __libc_memalign(alignment, size); }
        void *aligned_alloc(size_t alignment, size_t size) { count++; return __libc_memalign(alignment, size); }
        int posix_memalign(void **out, size_t alignment, size_t size) {
            count++;
            *out = __libc_memalign(alignment, size);
            return *out == 0 ? 12 : 0;
        }
        """

    #if os(Linux)
    @Test("a thousand packets sealed and opened after the first thousand allocate nothing, with every cipher and MAC")
    func packets() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("allocations-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = folder.appendingPathComponent("count.c")
        let library = folder.appendingPathComponent("count.so")
        try Data(Self.counter.utf8).write(to: source)
        _ = try ToolRun("/usr/bin/env", ["cc", "-shared", "-fPIC", "-O1", "-o", library.path, source.path])

        let benchmark = try #require(Self.products?.appendingPathComponent("packet-benchmark"))
        let run = try ToolRun(benchmark.path, [], environment: ["LD_PRELOAD": library.path])
        let lines = run.output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        // 3 AEAD ciphers, 3 in counter mode with 4 MACs, 4 legacy ones with 6.
        #expect(lines.count == 39)
        for line in lines { #expect(line.last == "0", "\(line)") }
    }
    #endif

    /// Where the build puts its programs: the folder of the test bundle.
    private static var products: URL? {
        var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        for argument in CommandLine.arguments where argument.hasSuffix(".xctest") {
            folder = URL(fileURLWithPath: argument).deletingLastPathComponent()
        }
        return folder
    }
}
