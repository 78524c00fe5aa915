public struct Caller: Sendable {
    public var tenant: String
    public var userID: String
    public var username: String
    public var name: String
    public var role: String
    public var signInID: String
    public var address: String
}

public struct GatewayError: Error, Sendable {
    public var code: String
    public var status: Int
    public var error: String
    public var hint: String
    public var missing: String?
    public var field: String?
    public var retryAfter: Int?

    public init(code: String, status: Int, error: String, hint: String, missing: String? = nil, field: String? = nil, retryAfter: Int? = nil) {
        self.code = code
        self.status = status
        self.error = error
        self.hint = hint
        self.missing = missing
        self.field = field
        self.retryAfter = retryAfter
    }
}
