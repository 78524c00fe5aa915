import Gateway
import Hummingbird

/// `/api/macros`: lines that are typed often.
struct MacroRoutes: Sendable {
    private struct DraftBody: Decodable {
        let name: String
        let text: String
        let description: String?
        let shared: Bool?

        func draft() throws(GatewayError) -> MacroDraft {
            try MacroDraft(name: name, text: text, description: description ?? "", isShared: shared ?? false)
        }
    }

    let macros: Macros

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/macros") { _, caller in
            let all = try await macros.list(caller)
            return try JSONAnswer.response(MacrosAnswer(macros: all.map { answer($0, caller) }))
        }
        routes.signedIn(.post, "/api/macros") { call, caller in
            let macro = try await macros.add(try call.body(DraftBody.self).draft(), caller: caller)
            return try JSONAnswer.response(OneMacroAnswer(macro: answer(macro, caller)), status: .created)
        }
        routes.signedIn(.patch, "/api/macros/:id") { call, caller in
            let draft = try call.body(DraftBody.self).draft()
            let macro = try await macros.update(call.parameter("id"), draft, caller: caller)
            return try JSONAnswer.response(OneMacroAnswer(macro: answer(macro, caller)))
        }
        routes.signedIn(.delete, "/api/macros/:id") { call, caller in
            try await macros.remove(call.parameter("id"), caller: caller)
            return JSONAnswer.noContent
        }
    }

    private func answer(_ macro: Macro, _ caller: Caller) -> MacroAnswer {
        MacroAnswer(macro, mayEdit: macros.mayEdit(macro, caller))
    }
}
