/// A terminal that a program believes in.
public enum PseudoTerminal {
    /// What it is like when the program starts.
    public struct Setup: Sendable, Hashable {
        /// One encoded terminal mode (RFC 4254 §8).
        public struct Mode: Sendable, Hashable {
            public var opcode: UInt8
            public var argument: UInt32

            public init(opcode: UInt8, argument: UInt32) {
                self.opcode = opcode
                self.argument = argument
            }
        }

        public var size: Size
        /// Over the system's defaults, in this order.
        public var modes: [Mode]

        public init(size: Size = Size(columns: 80, rows: 24), modes: [Mode] = []) {
            self.size = size
            self.modes = modes
        }
    }

    /// columns × rows in characters, width × height in pixels; 0 means unknown.
    public struct Size: Sendable, Hashable {
        public var columns: Int
        public var rows: Int
        public var width: Int
        public var height: Int

        public init(columns: Int, rows: Int, width: Int = 0, height: Int = 0) {
            self.columns = columns
            self.rows = rows
            self.width = width
            self.height = height
        }
    }
}
