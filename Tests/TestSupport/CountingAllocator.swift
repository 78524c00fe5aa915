import Foundation

/// A library that stands before glibc's allocator and counts. Our measuring programs ask it by the name of `malloc_count`.
public struct CountingAllocator: Sendable {
    private let folder: TemporaryFolder

    /// The variable with which a program runs under it.
    public var environment: [String: String] { ["LD_PRELOAD": folder.file("count.so")] }

    private static let source = """
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

    public init() async throws {
        folder = try TemporaryFolder()
        try folder.write(Self.source, to: "count.c")
        try await ChildProcess.tool(
            "/usr/bin/cc", ["-shared", "-fPIC", "-O1", "-o", folder.file("count.so"), folder.file("count.c")])
    }
}

/// The programs of this package.
public enum Products {
    /// Where the build puts them: the folder of the test bundle.
    public static var folder: URL {
        let bundle = CommandLine.arguments.last { $0.hasSuffix(".xctest") }.map { URL(fileURLWithPath: $0) }
        return (bundle ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()).deletingLastPathComponent()
    }
}
