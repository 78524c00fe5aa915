import Foundation
import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(1)))
struct PageFilesTests {
    private func withPage<Result>(_ body: (TestServer) async throws -> Result) async throws -> Result {
        try await withTemporaryFolder { folder in
            let page = folder + "/page"
            try FileManager.default.createDirectory(atPath: page + "/fonts", withIntermediateDirectories: true)
            for (name, content) in [
                "index.html": "<!doctype html>", "main-3K5QWX7A.js": "js", "main-3K5QWX7A.js.gz": "zipped",
                "sw.js": "worker", "manifest.webmanifest": "{}", "fonts/mono-ABCDEFGH.woff2": "font", ".env": "secret",
            ] {
                try content.write(toFile: page + "/" + name, atomically: true, encoding: .utf8)
            }
            try "outside".write(toFile: folder + "/outside.txt", atomically: true, encoding: .utf8)
            try FileManager.default.createSymbolicLink(
                atPath: page + "/link.txt", withDestinationPath: folder + "/outside.txt")
            return try await TestServer.run(pageFolder: page) { try await body($0) }
        }
    }

    @Test("the page is served at / and never stored")
    func index() async throws {
        try await withPage { server in
            let response = try await server.request("GET", "/")
            #expect(response.status == 200 && response.body == "<!doctype html>")
            #expect(response.headers["content-type"] == "text/html; charset=utf-8")
            #expect(response.headers["cache-control"] == "no-store")
            #expect(response.headers["content-security-policy"] == AnswerHeaders.contentSecurityPolicy)
        }
    }

    @Test(
        "files have their type, and those with a hash in their name are kept for ever",
        arguments: [
            ("/main-3K5QWX7A.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
            ("/fonts/mono-ABCDEFGH.woff2", "font/woff2", "public, max-age=31536000, immutable"),
            ("/sw.js", "text/javascript; charset=utf-8", "no-cache"),
            ("/manifest.webmanifest", "application/manifest+json; charset=utf-8", "no-cache"),
        ])
    func types(path: String, type: String, cache: String) async throws {
        try await withPage { server in
            let response = try await server.request("GET", path)
            #expect(response.status == 200)
            #expect(response.headers["content-type"] == type)
            #expect(response.headers["cache-control"] == cache)
        }
    }

    @Test("a file that was compressed beforehand is sent so to whoever takes it")
    func compressed() async throws {
        try await withPage { server in
            let zipped = try await server.request(
                "GET", "/main-3K5QWX7A.js", headers: ["Accept-Encoding: br, gzip;q=0.5"])
            #expect(zipped.body == "zipped" && zipped.headers["content-encoding"] == "gzip")
            #expect(zipped.headers["vary"] == "Accept-Encoding")
            let plain = try await server.request("GET", "/main-3K5QWX7A.js", headers: ["Accept-Encoding: gzip;q=0"])
            #expect(plain.body == "js" && plain.headers["content-encoding"] == nil)
        }
    }

    @Test("an unchanged file is not sent again")
    func notModified() async throws {
        try await withPage { server in
            let tag = try await server.request("GET", "/sw.js").headers["etag"] ?? ""
            let again = try await server.request("GET", "/sw.js", headers: ["If-None-Match: \(tag)"])
            #expect(again.status == 304 && again.body.isEmpty)
        }
    }

    @Test(
        "nothing outside the folder, hidden or linked can be had",
        arguments: [
            "/../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/fonts/../../outside.txt", "/link.txt",
            "/.env", "/fonts/", "/fonts", "/main-3K5QWX7A.js.gz", "//etc/passwd", "/index.html/",
        ])
    func traversal(path: String) async throws {
        try await withPage { server in
            let response = try await server.request("GET", path)
            #expect(response.status == 404)
            #expect(!response.body.contains("outside") && !response.body.contains("secret"))
        }
    }

    @Test("a folder without a page is refused at start")
    func empty() async throws {
        try await withTemporaryFolder { folder in
            #expect { try PageFiles(folder: folder) } throws: { ($0 as? WebServerError)?.code == .pageUnreadable }
            #expect { try PageFiles(folder: folder + "/no") } throws: {
                ($0 as? WebServerError)?.code == .pageUnreadable
            }
        }
    }
}
