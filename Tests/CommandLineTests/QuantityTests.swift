import Testing
import uploadfs

@Suite struct QuantityTests {
    @Test(
        "Sizes as people write them",
        arguments: zip(
            [
                "8MiB", "8Mi", "8M", "10MB", "500K", "4096", "1.5k", "0", "2g", "3 MB", "x", "", "MB", "-1", "1e3",
                "99999999P",
            ],
            [8 << 20, 8 << 20, 8 << 20, 10_000_000, 512_000, 4096, 1536, 0, 2 << 30, nil, nil, nil, nil, nil, nil, nil]
                as [Int64?]))
    func bytes(text: String, bytes: Int64?) {
        #expect(Quantity.bytes(text) == bytes)
    }

    @Test(
        "Durations as people write them",
        arguments: zip(
            ["250ms", "10s", "5m", "1h30m", "7d", "3", "1.5s", "", "s", "10x", "-1s"],
            [
                .milliseconds(250), .seconds(10), .seconds(300), .seconds(5400), .seconds(604_800), .seconds(3),
                .milliseconds(1500), nil, nil, nil, nil,
            ] as [Duration?]))
    func durations(text: String, duration: Duration?) {
        #expect(Quantity.duration(text) == duration)
    }
}
