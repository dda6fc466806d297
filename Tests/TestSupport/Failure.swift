/// Runs a request and gives its error; nil when it did not fail.
package func failure<Value, Failure: Error>(
    _ work: () async throws(Failure) -> Value
) async -> Failure? {
    do throws(Failure) {
        _ = try await work()
        return nil
    } catch {
        return error
    }
}
