import Testing

@testable import Gateway

@Suite("Lists of hosts")
struct ImportTests {
    private func read(_ text: String, _ format: ImportFormat) throws -> [String: ImportedHost] {
        let list = try ImportList.read(text, as: format)
        return Dictionary(uniqueKeysWithValues: list.hosts.map { ($0.alias, $0) })
    }

    @Test("an inventory's groups are tags, and the nearest variable counts")
    func inventory() throws {
        let hosts = try read(
            """
            plain
            [db]
            db[1:3] ansible_port=2200
            [db:vars]
            ansible_user = admin
            [all:vars]
            ansible_user=root
            [staging:children]
            db
            """, .ansibleINI)
        #expect(hosts["plain"]?.username == "root")
        #expect(hosts["db2"]?.username == "admin" && hosts["db2"]?.port == 2200)
        #expect(hosts["db2"]?.tags == ["db", "staging"] && hosts["db2"]?.environment == .staging)
    }

    @Test("groups that are their own ancestors have an end")
    func circles() throws {
        let hosts = try read("[a:children]\nb\n[b:children]\na\n[b]\nh\n", .ansibleINI)
        #expect(hosts["h"]?.tags == ["b", "a"])
    }

    @Test(
        "a range stands for its hosts, with its leading zeros",
        arguments: [
            ("web[08:10]", ["web08", "web09", "web10"]), ("[a:c]x", ["ax", "bx", "cx"]),
            ("n[0:4:2]", ["n0", "n2", "n4"]),
            ("plain", ["plain"]),
        ])
    func ranges(pattern: String, names: [String]) throws { #expect(try HostRange.names(pattern) == names) }

    @Test(
        "a range without a sensible end is refused",
        arguments: ["x[1:99999]", "x[5:1]", "x[1:5:0]", "x[:]", "x[a:5]", "[1:999][1:999]", "x[1:9999999999999999999]"])
    func badRanges(pattern: String) {
        #expect(throws: GatewayError.self) { try HostRange.names(pattern) }
    }

    @Test("an ssh_config is read as ssh reads it: the first value counts, patterns and negations too")
    func sshConfig() throws {
        let hosts = try read(
            """
            Host one two
              HostName=%h.example.org
              User first
            Host * !two
              User second
              Port 2222
            """, .sshConfig)
        #expect(hosts["one"]?.address == "one.example.org" && hosts["one"]?.username == "first")
        #expect(hosts["one"]?.port == 2222 && hosts["two"]?.port == nil)
    }

    @Test("the format is told by the name, else by what stands there")
    func formats() {
        #expect(ImportFormat.guess(name: "x.csv", text: "") == .csv)
        #expect(ImportFormat.guess(name: "config", text: "") == .sshConfig)
        #expect(ImportFormat.guess(name: "", text: "# c\nHost a\n") == .sshConfig)
        #expect(ImportFormat.guess(name: "", text: "all:\n  hosts:\n") == .ansibleYAML)
        #expect(ImportFormat.guess(name: "", text: "address;alias\n") == .csv)
        #expect(ImportFormat.guess(name: "", text: "[web]\na\n") == .ansibleINI)
    }

    @Test(
        "YAML that unfolds, or goes too deep, is refused before it is parsed",
        arguments: [
            "a: &x 1\nb: *x", "? [a]\n: b", "- &a b", String(repeating: "- ", count: 500),
            String(repeating: "[", count: 500), "a: {b: [\(String(repeating: "{x: ", count: 40))",
            (0..<100).map { String(repeating: " ", count: $0) + "k:" }.joined(separator: "\n"),
        ])
    func yamlBombs(text: String) {
        #expect(throws: GatewayError.self) { try YAMLShape.check(text) }
    }

    @Test("stars and ampersands in ordinary values are no anchors")
    func yamlValues() throws {
        try YAMLShape.check("a: \"x *y\"\nb: 5 * 3\nc: p && q\nd: x*y # &z\n")
    }
}

@Suite("Service records of the DNS")
struct ServiceRecordsTests {
    private static let name = "_ssh._tcp.example.org"
    private static let question = Array(ServiceRecords.question(name, id: 7).dropFirst(12))

    private func message(id: UInt16 = 7, flags: UInt16 = 0x8180, answers: [[UInt8]]) -> [UInt8] {
        [id, flags, 1, UInt16(answers.count), 0, 0].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } + Self.question
            + answers.joined()
    }

    private func record(_ data: [UInt8], owner: [UInt8] = [0xC0, 12]) -> [UInt8] {
        owner + [0, 33, 0, 1, 0, 0, 0, 60, 0, UInt8(data.count)] + data
    }

    private let target: [UInt8] = [0, 1, 0, 2, 0, 22, 1, 0x68, 0xC0, 22]

    @Test("a record's fields, with a target that goes on where the question stands")
    func fields() {
        let answer = ServiceRecords.answer(message(answers: [record(target)]), to: Self.name, id: 7)
        #expect(answer == .records([.init(priority: 1, weight: 2, port: 22, target: "h.example.org")]))
    }

    @Test("what is no answer to the question is none")
    func foreign() {
        let good = message(answers: [record(target)])
        #expect(ServiceRecords.answer(good, to: Self.name, id: 8) == nil)
        #expect(ServiceRecords.answer(good, to: "_ssh._tcp.example.net", id: 7) == nil)
        #expect(ServiceRecords.answer(Self.question, to: Self.name, id: 7) == nil)
        #expect(ServiceRecords.answer(message(flags: 0x8380, answers: []), to: Self.name, id: 7) == .truncated)
        #expect(ServiceRecords.answer(message(flags: 0x8183, answers: []), to: Self.name, id: 7) == .failed(code: 3))
    }

    @Test("an answer that was cut anywhere, or any byte of which is another, does no harm")
    func damaged() {
        let good = message(answers: [record(target), record(target)])
        for length in 0..<good.count {
            #expect(ServiceRecords.answer(Array(good.prefix(length)), to: Self.name, id: 7) == nil)
        }
        for index in good.indices {
            for value in [UInt8(0), 0xFF, 0xC0, 0x3F] {
                var other = good
                other[index] = value
                _ = ServiceRecords.answer(other, to: Self.name, id: 7)
            }
        }
    }

    @Test("pointers that lead in circles, or forwards, lead nowhere")
    func pointers() {
        for place in [UInt8(48), 60, 0xFF] {
            let looping = message(answers: [record(target, owner: [0xC0, place])])
            #expect(ServiceRecords.answer(looping, to: Self.name, id: 7) == nil)
        }
    }

    @Test(
        "names of services", arguments: ["", ".", "a..b", "a b", "ä.org", String(repeating: "x", count: 64) + ".org"])
    func badNames(name: String) { #expect(throws: GatewayError.self) { try ServiceRecords.name(name) } }
}
