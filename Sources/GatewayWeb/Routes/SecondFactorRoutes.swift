import Gateway
import Hummingbird
import Storage

/// `/api/me/second-factor`: the code that is asked for beside the password.
struct SecondFactorRoutes: Sendable {
    private struct PasswordBody: Decodable {
        let password: String
    }
    private struct CodeBody: Decodable {
        let code: String
    }
    private struct BothBody: Decodable {
        let password: String
        let code: String
    }

    let people: People

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/me/second-factor") { _, caller in
            try JSONAnswer.response(SecondFactorAnswer(state: try await people.secondFactor(caller)))
        }
        routes.signedIn(.post, "/api/me/second-factor") { call, caller in
            let body = try call.body(PasswordBody.self)
            let offer = try await people.offerSecondFactor(caller, password: body.password)
            return try JSONAnswer.response(SecondFactorOfferAnswer(offer), status: .created)
        }
        routes.signedIn(.post, "/api/me/second-factor/confirm") { call, caller in
            let body = try call.body(CodeBody.self)
            let codes = try await people.confirmSecondFactor(caller, code: body.code)
            return try JSONAnswer.response(RecoveryCodesAnswer(recoveryCodes: codes))
        }
        routes.signedIn(.post, "/api/me/second-factor/recovery-codes") { call, caller in
            let body = try call.body(BothBody.self)
            let codes = try await people.renewRecoveryCodes(caller, password: body.password, code: body.code)
            return try JSONAnswer.response(RecoveryCodesAnswer(recoveryCodes: codes))
        }
        routes.signedIn(.post, "/api/me/second-factor/remove") { call, caller in
            let body = try call.body(BothBody.self)
            try await people.removeSecondFactor(caller, password: body.password, code: body.code)
            return JSONAnswer.noContent
        }
    }
}

struct SecondFactorAnswer: Encodable {
    let state: SecondFactorState

    private enum Key: String, CodingKey {
        case since, recoveryCodesLeft
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(state.since?.iso8601, forKey: .since)
        try container.encode(state.recoveryCodesLeft, forKey: .recoveryCodesLeft)
    }
}

struct SecondFactorOfferAnswer: Encodable {
    let secret: String
    let address: String
    /// The picture's rows: ones for dark modules, zeros for light ones.
    let picture: [String]

    init(_ offer: SecondFactorOffer) {
        secret = offer.secret
        address = offer.address
        picture = offer.picture.rows
    }
}

struct RecoveryCodesAnswer: Encodable {
    let recoveryCodes: [String]
}
