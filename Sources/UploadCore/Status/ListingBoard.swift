import Synchronization

/// What is being listed now, and how it went: written by who lists, read by status files.
package final class ListingBoard: Sendable {
    private let state = Mutex(StatusOverview.Listing())

    package init() {}

    package var overview: StatusOverview.Listing { state.withLock { $0 } }

    package func began(_ directory: UploadPath) {
        state.withLock { $0.directories.append(directory) }
    }

    package func ended(_ directory: UploadPath) {
        state.withLock { state in
            guard let index = state.directories.firstIndex(of: directory) else { return }
            state.directories.remove(at: index)
        }
    }

    /// The destination has told something.
    package func answered() {
        state.withLock { $0.failure = nil }
    }

    /// A whole directory was listed.
    /// - Parameter leftOut: what of it can't be shown; nil: nothing.
    package func succeeded(_ directory: UploadPath, leftOut: StatusOverview.Listing.LeftOut?) {
        state.withLock { state in
            state.failure = nil
            if let leftOut {
                state.leftOut = leftOut
            } else if state.leftOut?.directory == directory {
                state.leftOut = nil
            }
        }
    }

    /// - Returns: whether that is news.
    package func failed(_ failure: Failure) -> Bool {
        state.withLock { state in
            defer { state.failure = failure }
            return state.failure != failure
        }
    }
}

extension StatusOverview {
    /// `--list`.
    package struct Listing: Sendable, Hashable {
        /// Those that are being listed.
        package var directories: [UploadPath] = []
        /// Of the last listing; nil: it went well.
        package var failure: Failure?
        /// The last that were found.
        package var leftOut: LeftOut?

        package init() {}

        /// What lies at the destination, and can't be shown: its name is none for a file, or another one's.
        package struct LeftOut: Sendable, Hashable {
            package let directory: UploadPath
            package let count: Int
            /// As the destination calls it.
            package let example: String

            package init(directory: UploadPath, count: Int, example: String) {
                self.directory = directory
                self.count = count
                self.example = example
            }

            package var sentence: String {
                let place = directory.components.isEmpty ? "" : " in \(NameFormat.text(directory))"
                return "\(count) of the names at the destination\(place) can't be shown, as no file could have them or "
                    + "something else does: for example \(NameFormat.text(example))."
            }
        }
    }
}
