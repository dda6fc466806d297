import TestSupport

@testable import UploadServer

/// A store without routes around it, in a directory of its own. Start and stop its calls.
func storeUnderTest(clock: WallClock) throws -> (store: SessionStore, directory: TemporaryDirectory) {
    let directory = try TemporaryDirectory()
    return (
        try SessionStore(path: directory.path, lifetime: .seconds(100), maximumSessions: 9, now: { clock.now }),
        directory
    )
}
