import Foundation
import Testing

/// Counts what channel data allocates from one end to the other, in a program of its own under a malloc that counts.
@Suite struct DataPathAllocationTests {
    /// Stands before glibc's allocator; `engine-bench` asks for the number by its name.
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
        void *aligned_alloc(size_t alignment, size_t size) { count++; return __libc_memalign(alignment, size); }
        int posix_memalign(void **out, size_t alignment, size_t size) {
            count++;
            *out = __libc_memalign(alignment, size);
            return *out == 0 ? 12 : 0;
        }
        """

    #if os(Linux)
    /// What remains are the questions that tell how far a window may grow, one for each few megabytes.
    @Test("packets of channel data and the adjustments of their window allocate nothing, with every cipher")
    func channelData() throws {
        let folder = try TemporaryFolder()
        let (source, library) = (folder.file("count.c"), folder.file("count.so"))
        try Data(Self.counter.utf8).write(to: URL(fileURLWithPath: source))
        try ChildProcess.run("/usr/bin/cc", ["-shared", "-fPIC", "-O1", "-o", library, source])
        let program = try #require(Self.products?.appendingPathComponent("engine-bench").path)
        let output = try ChildProcess.run("/usr/bin/env", ["LD_PRELOAD=\(library)", program, "allocations"])
        let lines = output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.count == 18)
        for line in lines {
            let count = try #require(line.last.flatMap { Int($0) })
            // For 1,000 packets.
            #expect(count < 50, "\(line)")
        }
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
