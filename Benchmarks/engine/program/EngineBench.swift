@main enum EngineBench { static func main() {} }
