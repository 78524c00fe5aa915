/// Made with: ssh-keygen -q -t rsa -b 2048 -N "" -C test
enum Fixtures {
    static let rsaKey = """
        -----BEGIN OPENSSH PRIVATE KEY-----
        b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAABFwAAAAdzc2gtcn
        NhAAAAAwEAAQAAAQEArvfH+vZ202xyvmxJj479telQm9hM1nN6qikAXRXFMFrt8RjCtoV4
        /dVPdR/79TJYOoSyhtF3YbUAZDrty0Me/gfZ7JTB7HqFfdYpvbfsHuhs6YkUVEwX7fEz8F
        HbFrMWIWfm/vP/JImCNjcnxR7q7V/jfSGPCJInouQkVkvJzSvB0eUfUXoWo64RMp6xK+y2
        5Y+Bq3iS1bpVXcUiWsId7wj1B57SoNKajKneTZ6QKX2utBfJemvSR8x6qcdqfTTroPQt6Y
        oEef8Xy40lfzMaprjQkeQUGk1G4tmLtSX3JSu8urVx2hb9sHcR+B3hR6FDzFfW13LWsANr
        8FsQwd23YQAAA8A5H5+kOR+fpAAAAAdzc2gtcnNhAAABAQCu98f69nbTbHK+bEmPjv216V
        Cb2EzWc3qqKQBdFcUwWu3xGMK2hXj91U91H/v1Mlg6hLKG0XdhtQBkOu3LQx7+B9nslMHs
        eoV91im9t+we6GzpiRRUTBft8TPwUdsWsxYhZ+b+8/8kiYI2NyfFHurtX+N9IY8Ikiei5C
        RWS8nNK8HR5R9RehajrhEynrEr7Lblj4GreJLVulVdxSJawh3vCPUHntKg0pqMqd5NnpAp
        fa60F8l6a9JHzHqpx2p9NOug9C3pigR5/xfLjSV/MxqmuNCR5BQaTUbi2Yu1JfclK7y6tX
        HaFv2wdxH4HeFHoUPMV9bXctawA2vwWxDB3bdhAAAAAwEAAQAAAQAB56WwOEWz6I7ZPuGQ
        JAzkEZ20jKbNgOVZe+fKm6WRcLP9d3kLNqnKDav3SPlbwogOXwp4iEhF8owGC1QybdElD9
        3SAw6XbgANDitXKuzxqzMgWcM0Zb2u8/zORX3eoeWASJrNtMdW1P5ra69NqJgDLJOT9a0S
        eVDgJ56zp9CTIL238mRvQ432y8FpZ7KQIlNWtc2w0bMC2e/nHutEejYWUDXBZHHcXzADiy
        5Ma2dJeiv0m4WnSo3aGAM+qgpwY4rsH3Iju9zLyLCE9AkRVK/J1wAViUtxAohDaTZJVKC/
        Ke244M9aWIAhEIj8aGmjYcASu4jBgv2mpEHuRMeBJO2BAAAAgGoeh9SxczP0cFALtKfOfc
        Rx+N0168p6zOe402EyGy4MVz6aisVgGLDGXS0STs0fewscz24cRLTWh49QlVZaEKV5autU
        JrkzRm3i652YtgkkNmNH9i3pBtxcP2WDmLj9PhAolNlrly5q8H6lBDE422AsVY6g28Bqyf
        UCBEWtJBNKAAAAgQDYSLZ2EIxYhVNXuXhWA25GoTLRpy140nYiL9iVtmJ9LV0J8e11h2gl
        xH+lAuPDpoW0CcFacdXDWHteLAo5QamwBirfhNfoqkeM1F2Nx70JsEZDC4jNe01dpufmWI
        HLRI5hKdGVUrOAmmsDvG1+ZyY0gbspA3x7OMNlUZvcznUk8QAAAIEAzxjW+nbuYOK3OBH1
        CIQ0t0uqlOI/UoE4zoRHL2SEBb+XcTy6x+gQcJKiegSxN3mnoh9QD6lAbzfXia5A1Todgm
        g+W8ieiyojbmPhjBqTn8DiKk4Rux69b5+ErlEC3Y41WR+tx6m0w77NEamEPOsa6z0eYy6m
        G7t0NFtlw9ra+XEAAAAEdGVzdAECAwQFBgc=
        -----END OPENSSH PRIVATE KEY-----
        """ + "\n"
}
