/// Where a version is on its way. DESIGN, "Phases of a file".
package enum Phase: String, Sendable, CaseIterable, Codable {
    /// A writer has it open. May be followed by queued, held, ignored, interrupted, failed, cancelled.
    case receiving
    /// Its writer or uploadfs died before close: kept, never published by itself. Followed by
    /// queued (release) or cancelled (discard).
    case interrupted
    /// Closed under a temporary name: waits for its rename. Followed by queued, receiving, cancelled.
    case held
    /// A litter name: stays local. Followed by queued (renamed), cancelled.
    case ignored
    /// Closed and waiting for its turn. Followed by uploading, receiving, held, cancelled.
    case queued
    /// Its bytes are travelling. Followed by finalizing, waiting, failed, receiving, cancelled.
    case uploading
    /// All bytes are there; the destination is asked to publish them. Followed by done, waiting, failed.
    case finalizing
    /// The destination can't take it now; tried again at a stated time. Followed by uploading, cancelled.
    case waiting
    /// Published and verified. Followed by receiving (changed again).
    case done
    /// Needs a decision. Followed by queued (retry), cancelled (discard), receiving (written again).
    case failed
    /// Given up on purpose: unlinked, discarded or superseded. Final.
    case cancelled

    /// Closed, and going to be published by itself.
    package var isOnItsWay: Bool {
        switch self {
        case .held, .queued, .uploading, .finalizing, .waiting: true
        case .receiving, .interrupted, .ignored, .done, .failed, .cancelled: false
        }
    }

    /// Who is shown first where not all can be: what moves, what needs somebody, what waits.
    var rank: Int {
        switch self {
        case .receiving, .uploading, .finalizing: 0
        case .failed, .interrupted: 1
        case .waiting: 2
        case .queued: 3
        case .held: 4
        case .ignored, .done, .cancelled: 5
        }
    }

    /// Nothing more will happen by itself.
    package var isSettled: Bool {
        switch self {
        case .done, .failed, .cancelled, .interrupted, .ignored: true
        case .receiving, .held, .queued, .uploading, .finalizing, .waiting: false
        }
    }
}
