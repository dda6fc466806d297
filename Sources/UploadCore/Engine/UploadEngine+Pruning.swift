/// What was published is remembered for a time, then forgotten: the file stays in the tree, and at the destination.
extension UploadEngine {
    private static var pause: Duration { .seconds(3600) }
    private static var atOnce: Int { 256 }

    /// Goes on until it is cancelled.
    func prune() async {
        while !isStopping {
            while !isStopping, await pruneSome() {}
            do { try await world.clock.sleep(for: Self.pause) } catch { return }
        }
    }

    /// - Returns: whether there may be more.
    private func pruneSome() async -> Bool {
        do throws(JournalError) {
            let oldest = world.now().advanced(by: .zero - settings.keepFinished)
            let records = try world.journal.prunable(
                before: oldest, beyond: settings.keepFinishedCount, limit: Self.atOnce)
            // Whose bytes somebody is changing is not finished.
            let forgotten = await evict(records.filter(\.isSpooled)) + records.filter { !$0.isSpooled }.map(\.version)
            try world.journal.apply(forgotten.map { .removeUpload($0) })
            return forgotten.count == Self.atOnce
        } catch {
            world.log.trouble(FailureSentences.journal(error))
            return false
        }
    }
}
