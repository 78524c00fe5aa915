import Testing

@testable import MCP

/// A server whose principal is a name, with one tool that answers, one that waits and one that fails.
private func makeServer(beat: Duration = .seconds(60)) -> MCPServer<String> {
    let output = Schema.object(["said": .string()], required: ["said"])
    return MCPServer(
        name: "copilot", title: "SSH Copilot", version: "1.2.3", instructions: "Be careful.",
        tools: [
            Tool(
                "echo", title: "Echo", "Says it again.",
                input: .object(["text": .string("What to say.")], required: ["text"]), output: output, hints: .reads
            ) {
                arguments, context in
                let text = try arguments.required("text")
                context.progress("saying")
                return ToolAnswer(text: "\(context.principal): \(text)", data: ["said": .string(text)])
            },
            Tool("wait", title: "Wait", "Waits.", input: .object(), output: output, hints: .acts) { _, context in
                try? await Task.sleep(for: .seconds(60))
                return ToolAnswer(text: "", data: ["said": context.isCancelled ? "cancelled" : "abandoned"])
            },
            Tool("fail", title: "Fail", "Fails.", input: .object(), output: output, hints: .destroys) { _, _ in
                throw ToolFailure("control_held", "A person has the keyboard.", hint: "Wait.", details: ["epoch": 3])
            },
        ],
        shelf: ResourceShelf(
            templates: [.init(uri: "ssh://instructions/{topic}", name: "instructions", description: "How to.")],
            list: { name in [.init(uri: "ssh://x", name: name, description: "x")] },
            read: { uri, _ in uri == "ssh://x" ? .init(text: "content") : nil }),
        beatInterval: beat)
}

private let envelope =
    #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#
private let caller = MCPCaller(principal: "ada", conversation: "1")

extension MCPServer where Principal == String {
    /// What a message is answered, with the headers of an older client.
    fileprivate func answer(_ text: String, headers: MCPHeaders? = nil) async -> JSONValue? {
        switch admit(text.utf8, headers: headers) {
        case .call(let call): await run(call, principal: "ada", caller: caller) { _ in }
        case .notification: nil
        case .rejected(_, let answer): answer
        }
    }

    fileprivate func status(_ text: String, headers: MCPHeaders?) -> Int? {
        if case .rejected(let status, _) = admit(text.utf8, headers: headers) { status } else { nil }
    }
}

private struct NotAdmitted: Error {}

struct HandshakeTests {
    @Test("a client of before 2026 opens with initialize and gets the revision that it asked for")
    func initialize() async throws {
        let answer = await makeServer().answer(
            #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}"#
        )
        let expected =
            #"{"id":0,"jsonrpc":"2.0","result":{"capabilities":{"resources":{"listChanged":false,"subscribe":false},"tools":{"listChanged":false}},"instructions":"Be careful.","protocolVersion":"2025-06-18","serverInfo":{"name":"copilot","title":"SSH Copilot","version":"1.2.3"}}}"#
        #expect(answer.map { String(decoding: $0.bytes, as: UTF8.self) } == expected)
    }

    @Test("a revision that is not known is answered with the newest of the handshake")
    func newest() async {
        let answer = await makeServer().answer(
            #"{"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"2031-01-01"}}"#)
        #expect(answer?["result"]?["protocolVersion"] == "2025-11-25")
        #expect(answer?["id"] == "a")
    }

    @Test("a notification and a response are answered with nothing")
    func silent() async {
        let server = makeServer()
        #expect(await server.answer(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#) == nil)
        #expect(await server.answer(#"{"jsonrpc":"2.0","id":1,"result":{}}"#) == nil)
    }

    @Test("a ping is answered, and not in the stateless revisions, which have none")
    func ping() async {
        let server = makeServer()
        #expect(await server.answer(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)?["result"] == [:])
        let modern = await server.answer(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{\#(envelope)}}"#)
        #expect(modern?["error"]?["code"] == -32601)
    }

    @Test(
        "what is no message is refused with the code of JSON-RPC",
        arguments: [
            ("{", -32700), ("[]", -32600), ("3", -32600), (#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600),
            (#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600), (#"{"jsonrpc":"2.0","id":1}"#, -32600),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, -32602),
            (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
            (#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#, -32601),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"none"}}"#, -32602),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":[]}}"#, -32602),
        ] as [(String, Int64)])
    func refused(text: String, code: Int64) async {
        #expect(await makeServer().answer(text)?["error"]?["code"] == .integer(code))
    }
}

struct StatelessTests {
    private static let headers = MCPHeaders(version: "2026-07-28", method: "tools/list")

    @Test("server/discover names the revisions, the capabilities and the server")
    func discover() async {
        let answer = await makeServer().answer(
            #"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{\#(envelope)}}"#,
            headers: MCPHeaders(version: "2026-07-28", method: "server/discover"))
        let result = answer?["result"]
        #expect(result?["supportedVersions"] == ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])
        #expect(result?["resultType"] == "complete")
        #expect(result?["cacheScope"] == "private")
        #expect(result?["_meta"]?["io.modelcontextprotocol/serverInfo"]?["name"] == "copilot")
    }

    @Test("a list says how long it holds, and has no such words for older clients")
    func lists() async {
        let server = makeServer()
        let modern = await server.answer(
            #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{\#(envelope)}}"#, headers: Self.headers)
        #expect(modern?["result"]?["ttlMs"] == 60000)
        let legacy = await server.answer(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
        #expect(legacy?["result"]?.object?.keys.sorted() == ["tools"])
        #expect(legacy?["result"]?["tools"]?.array?.map { $0["name"] } == ["echo", "wait", "fail"])
    }

    @Test(
        "headers that say something else than the body are refused",
        arguments: [
            MCPHeaders(version: "2025-11-25", method: "tools/call", name: "echo"),
            MCPHeaders(version: "2026-07-28", method: "tools/list", name: "echo"),
            MCPHeaders(version: "2026-07-28", method: "tools/call", name: "wait"),
            MCPHeaders(version: "2026-07-28", method: "tools/call"),
            MCPHeaders(version: nil, method: "tools/call", name: "echo"),
            MCPHeaders(version: "2026-07-28", name: "echo"),
            MCPHeaders(version: "2026-07-28", method: "tools/call", name: "=?base64?ZWNobw?="),
            MCPHeaders(version: "2026-07-28", method: "tools/call", name: "=?base64?ZWNobx==?="),
        ])
    func mismatch(headers: MCPHeaders) async {
        let text =
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a"},\#(envelope)}}"#
        let server = makeServer()
        #expect(await server.answer(text, headers: headers)?["error"]?["code"] == -32020)
        #expect(server.status(text, headers: headers) == 400)
    }

    @Test("a name that a header cannot carry comes in base64")
    func encodedName() async {
        let text =
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a"},\#(envelope)}}"#
        let headers = MCPHeaders(version: "2026-07-28", method: "tools/call", name: "=?base64?ZWNobw==?=")
        #expect(await makeServer().answer(text, headers: headers)?["result"]?["isError"] == false)
        #expect(MCPHeaders.encoded("grüße") == "=?base64?Z3LDvMOfZQ==?=")
        #expect(MCPHeaders.decoded(MCPHeaders.encoded("=?base64?x?=")) == "=?base64?x?=")
    }

    @Test("a revision that is not spoken is refused with those that are")
    func unsupported() async {
        let text =
            #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01","io.modelcontextprotocol/clientCapabilities":{}}}}"#
        let server = makeServer()
        let headers = MCPHeaders(version: "2099-01-01", method: "tools/list")
        let answer = await server.answer(text, headers: headers)
        #expect(answer?["error"]?["code"] == -32022)
        #expect(answer?["error"]?["data"] == ["supported": ["2026-07-28"], "requested": "2099-01-01"])
        #expect(
            server.status(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, headers: MCPHeaders(version: "bad"))
                == 400)
    }

    @Test("a request without its envelope is refused")
    func noEnvelope() {
        let server = makeServer()
        #expect(server.status(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, headers: Self.headers) == 400)
        #expect(server.status(#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{}}"#, headers: nil) == 400)
    }
}

struct ToolCallTests {
    @Test("a tool answers with words for the model and data for programs")
    func echo() async {
        let answer = await makeServer().answer(
            #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"}}}"#)
        let expected =
            #"{"id":7,"jsonrpc":"2.0","result":{"content":[{"text":"ada: hi","type":"text"}],"isError":false,"structuredContent":{"said":"hi"}}}"#
        #expect(answer.map { String(decoding: $0.bytes, as: UTF8.self) } == expected)
    }

    @Test("what a tool cannot do is a result that the model sees, with code and hint")
    func failure() async {
        let result = await makeServer().answer(
            #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"fail"}}"#)?["result"]
        #expect(result?["isError"] == true)
        #expect(
            result?["structuredContent"] == [
                "code": "control_held", "error": "A person has the keyboard.", "hint": "Wait.", "epoch": 3,
            ])
    }

    @Test(
        "a missing or wrong argument is told to the model",
        arguments: [#"{}"#, #"{"text":3}"#, #"{"text":""}"#, #"{"text":null}"#])
    func arguments(text: String) async {
        let result = await makeServer().answer(
            #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":\#(text)}}"#)?["result"]
        #expect(result?["isError"] == true)
        #expect(result?["structuredContent"]?["field"] == "text")
    }

    @Test("a tool is listed with its schemas and hints")
    func listed() async {
        let tools = await makeServer().answer(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)?["result"]?["tools"]?
            .array
        #expect(
            tools?.first == [
                "name": "echo", "title": "Echo", "description": "Says it again.",
                "inputSchema": [
                    "type": "object", "properties": ["text": ["type": "string", "description": "What to say."]],
                    "required": ["text"],
                ],
                "outputSchema": ["type": "object", "properties": ["said": ["type": "string"]], "required": ["said"]],
                "annotations": [
                    "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": true,
                ],
            ])
    }

    @Test("progress goes to those who asked for it, and only ever rises; others get beats")
    func progress() async throws {
        let server = makeServer(beat: .milliseconds(20))
        for (token, isAsked) in [(#","_meta":{"progressToken":"t"}"#, true), ("", false)] {
            let text = #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wait"\#(token)}}"#
            guard case .call(let call) = server.admit(text.utf8, headers: nil) else {
                throw NotAdmitted()
            }
            let (events, continuation) = AsyncStream.makeStream(of: MCPServer<String>.Event.self)
            let control = CallControl()
            let running = Task {
                await server.run(call, principal: "ada", caller: caller, control: control) { continuation.yield($0) }
            }
            var seen: [JSONValue?] = []
            for await event in events {
                if case .message(let message) = event {
                    seen.append(message["params"]?["progress"])
                } else {
                    seen.append(nil)
                }
                if seen.count == 3 { break }
            }
            #expect(seen == (isAsked ? [1, 2, 3] : [nil, nil, nil]))
            control.cancel()
            _ = await running.value
        }
    }

    @Test("a call is taken back by its name, of the same caller alone, and its answer says so")
    func cancelled() async throws {
        let server = makeServer()
        let text = #"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"wait"}}"#
        guard case .call(let call) = server.admit(text.utf8, headers: nil) else { throw NotAdmitted() }
        let running = Task { await server.run(call, principal: "ada", caller: caller) { _ in } }
        while server.inFlight.count(principal: "ada") == 0 { await Task.yield() }
        for other in [MCPCaller(principal: "bob", conversation: "1"), MCPCaller(principal: "ada", conversation: "2")] {
            server.note(method: "notifications/cancelled", params: ["requestId": 5], caller: other)
        }
        server.note(method: "notifications/cancelled", params: ["requestId": "5"], caller: caller)
        #expect(server.inFlight.count(principal: "ada") == 1)
        server.note(method: "notifications/cancelled", params: ["requestId": 5], caller: caller)
        #expect(await running.value["result"]?["structuredContent"]?["said"] == "cancelled")
        #expect(server.inFlight.count(principal: "ada") == 0)
    }

    @Test("a call that nobody waits for any more is not taken back")
    func abandoned() async throws {
        let server = makeServer()
        let text = #"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"wait"}}"#
        guard case .call(let call) = server.admit(text.utf8, headers: nil) else { throw NotAdmitted() }
        let control = CallControl()
        let running = Task { await server.run(call, principal: "ada", caller: caller, control: control) { _ in } }
        while server.inFlight.count(principal: "ada") == 0 { await Task.yield() }
        control.abandon()
        #expect(await running.value["result"]?["structuredContent"]?["said"] == "abandoned")
    }

    @Test("resources are listed and read")
    func resources() async {
        let server = makeServer()
        let list = await server.answer(#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#)
        #expect(list?["result"]?["resources"]?.array?.first?["name"] == "ada")
        let read = await server.answer(
            #"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"ssh://x"}}"#)
        #expect(read?["result"]?["contents"] == [["uri": "ssh://x", "mimeType": "text/plain", "text": "content"]])
        let none = await server.answer(
            #"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"ssh://y"}}"#)
        #expect(none?["error"]?["code"] == -32002)
    }
}

struct ServerSentEventsTests {
    @Test("events in pieces of any size come out whole, and beats do not", arguments: [1, 2, 3, 7, 100])
    func pieces(size: Int) throws {
        let stream =
            ServerSentEvents.beat + ServerSentEvents.event(["a": "x\ny"]) + ServerSentEvents.beat
            + Array("id: 1\r\ndata:b\r\ndata: c\r\n\r\n".utf8)
        var reader = ServerSentEvents.Reader()
        var events: [String] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            let read = reader.read(stream[start..<min(stream.count, start + size)])
            let found = try #require(read)
            events += found.map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(events == [#"{"a":"x\ny"}"#, "b\nc"])
    }
}
