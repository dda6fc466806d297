import UploadCore

/// The inode numbers of `.uploadfs`: what it is in the highest byte, the real node's number below.
/// Real numbers count from 1 and never come near 2^56, so the two can't meet, nothing has to be
/// allocated, and the same name always has the same number.
struct StatusInode: Sendable, Hashable {
    enum Kind: UInt8, Sendable, CaseIterable {
        /// `.uploadfs` itself.
        case directory = 1
        case table
        case json
        case metrics
        case control
        // These mirror the tree: with the root's number, the directory of that name.
        case progress
        case detail
        case wait
        case sync

        /// Its name in `.uploadfs`; nil for `.uploadfs` itself.
        var name: String? {
            switch self {
            case .directory: nil
            case .table: "status"
            case .json: "status.json"
            case .metrics: "metrics"
            case .control: "control"
            case .progress: "progress"
            case .detail: "detail"
            case .wait: "wait"
            case .sync: "sync"
            }
        }

        var isMirror: Bool {
            switch self {
            case .directory, .table, .json, .metrics, .control, .sync: false
            case .progress, .detail, .wait: true
            }
        }
    }

    let kind: Kind
    let file: FileID

    init(_ kind: Kind, _ file: FileID = .root) {
        self.kind = kind
        self.file = file
    }

    /// nil for inodes of the real tree.
    init?(_ inode: UInt64) {
        guard let kind = Kind(rawValue: UInt8(inode >> 56)) else { return nil }
        self.init(kind, FileID(inode & (1 << 56 - 1)))
    }

    var rawValue: UInt64 { UInt64(kind.rawValue) << 56 | file.rawValue }
}
