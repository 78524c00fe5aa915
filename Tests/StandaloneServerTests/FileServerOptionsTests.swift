import Testing

@testable import StandaloneServer

struct FileServerOptionsTests {
    @Test(
        "Options of a forced internal-sftp are read as getopt does",
        arguments: [
            ("", false), ("-R", true), ("-e", false), ("-eR", true), ("-R -e", true), ("-f AUTH -l INFO", false),
            ("-fAUTH -lINFO -R", true), ("-elINFO", false), ("-l R", false),
        ])
    func known(line: String, isReadOnly: Bool) {
        #expect(FileServerOptions.isReadOnly(line.split(separator: " ").map(String.init)) == isReadOnly)
    }

    @Test(
        "One that this server does not have closes the door: it may be what restricts",
        arguments: [
            "-p open,read", "-P remove", "-d /srv", "-u 077", "-m 600", "-eP write", "-l", "-f", "x", "-", "-Rx",
        ])
    func unknown(line: String) {
        #expect(FileServerOptions.isReadOnly(line.split(separator: " ").map(String.init)) == nil)
    }
}
