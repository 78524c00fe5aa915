/// The place that a sealed value belongs to. It is bound into the seal, so that a ciphertext copied to another row,
/// column or tenant does not open there.
public struct RecordIdentity: Sendable, Hashable {
    public let tenant: String
    public let table: String
    public let row: String
    public let column: String

    public init(tenant: String, table: String, row: String, column: String) {
        self.tenant = tenant
        self.table = table
        self.row = row
        self.column = column
    }

    /// `copilot/v1|tenant|table|row|column`, with `%` and `|` inside a part escaped so that no two places are the same.
    var associatedData: [UInt8] {
        let parts = [tenant, table, row, column].map {
            $0.utf8.flatMap { byte -> [UInt8] in
                switch byte {
                case UInt8(ascii: "%"): Array("%25".utf8)
                case UInt8(ascii: "|"): Array("%7C".utf8)
                default: [byte]
                }
            }
        }
        return parts.reduce(into: Array("copilot/v1".utf8)) { text, part in text += [UInt8(ascii: "|")] + part }
    }
}
