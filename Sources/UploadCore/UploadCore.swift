/// UploadCore is what every other room knows: the model, the seams between the rooms, and every
/// decision about an upload. Nothing in here opens a file or a socket, imports C or reads the wall
/// clock: those come in through `Seams/`, so that a test can stand in for each of them.
///
/// - `Model/` the nouns: files, versions, paths, chunks, phases.
/// - `Seams/` what UploadStore, UploadTransfer and UploadFuse implement or call.
/// - `Plan/` which chunk to send next, and which range to read: pure.
/// - `Engine/` the state machine of one upload (pure), the queue, the retry policy, and the actor
///   that performs what they decide; and who reads back what is published.
/// - `Status/` what is happening, and how people and programs read it.
/// - `Errors/` one closed enum per layer; errors carry decisions and facts, never text to parse.
package enum UploadCore {
    /// The version that `uploadfs --version`, the User-Agent and `status.json` tell.
    package static let version = "0.1.0"
}
