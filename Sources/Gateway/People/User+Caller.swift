extension User {
    /// This person as the policy sees them, for a question about somebody who is not the one asking.
    func asCaller(tenant: String) -> Caller {
        Caller(
            tenant: tenant, userID: id, username: username, name: name, role: role, signInID: "", address: "")
    }
}
