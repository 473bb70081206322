
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'ovl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'ovl'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'ovl' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('pod', 'pod', [CompletionResultType]::ParameterValue, 'Show everything about a pod: sandbox, namespace, processes, the pair drawn from both ends, routes')
            [CompletionResult]::new('pods', 'pods', [CompletionResultType]::ParameterValue, 'List the pods of a node with their devices')
            [CompletionResult]::new('trace', 'trace', [CompletionResultType]::ParameterValue, 'Follow a packet from one pod to another, device by device, and say what breaks it')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Say what the overlay costs: round trips, TCP and packets a second between pods, beside their nodes')
            [CompletionResult]::new('mtu', 'mtu', [CompletionResultType]::ParameterValue, 'Show how large a packet may be on its way, and what the numbers are made of')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Say what is wrong on a node')
            [CompletionResult]::new('snapshot', 'snapshot', [CompletionResultType]::ParameterValue, 'Save everything that decides where packets go')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Say what changed between two snapshots, or since one')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Say what a finding means: what the kernel does, how to see it by hand, how to mend it')
            [CompletionResult]::new('node', 'node', [CompletionResultType]::ParameterValue, 'The far side of a conversation with a node')
            [CompletionResult]::new('lab', 'lab', [CompletionResultType]::ParameterValue, 'Make and use a whole multi-node pod network on this machine')
            [CompletionResult]::new('capture', 'capture', [CompletionResultType]::ParameterValue, 'Capture on this node, in any network namespace')
            [CompletionResult]::new('decode', 'decode', [CompletionResultType]::ParameterValue, 'Read captures: print packets, pair pings, sum up flows')
            [CompletionResult]::new('agent', 'agent', [CompletionResultType]::ParameterValue, 'Keep this node in a pod network: devices, routes, neighbours, forwarding entries')
            [CompletionResult]::new('cni', 'cni', [CompletionResultType]::ParameterValue, 'Drive the CNI configurations and plugins of this node as a runtime would')
            [CompletionResult]::new('completion', 'completion', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('__complete', '__complete', [CompletionResultType]::ParameterValue, 'What could come next, for kubectl_complete-ovl')
            break
        }
        'ovl;pod' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Saved snapshots in place of the live network; `-` is standard input')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'A lab on this machine; the only one there is if no name is given')
            [CompletionResult]::new('--via', '--via', [CompletionResultType]::ParameterName, 'The command that runs a program on a node, such as ''ssh root@{node}''')
            [CompletionResult]::new('--nodes', '--nodes', [CompletionResultType]::ParameterName, 'The nodes, separated by commas')
            [CompletionResult]::new('--at-once', '--at-once', [CompletionResultType]::ParameterName, 'How many nodes are asked at once')
            [CompletionResult]::new('--node-timeout', '--node-timeout', [CompletionResultType]::ParameterName, 'How many seconds a node may take')
            [CompletionResult]::new('--cri', '--cri', [CompletionResultType]::ParameterName, 'The container runtime''s socket, or `none`; found by itself if not given')
            [CompletionResult]::new('--cni-conf-dir', '--cni-conf-dir', [CompletionResultType]::ParameterName, 'Where CNI configurations are')
            [CompletionResult]::new('--cni-bin-dir', '--cni-bin-dir', [CompletionResultType]::ParameterName, 'Where CNI plugins are; may be repeated')
            [CompletionResult]::new('--cni-cache-dir', '--cni-cache-dir', [CompletionResultType]::ParameterName, 'Where CNI results are cached')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;pods' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Saved snapshots in place of the live network; `-` is standard input')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'A lab on this machine; the only one there is if no name is given')
            [CompletionResult]::new('--via', '--via', [CompletionResultType]::ParameterName, 'The command that runs a program on a node, such as ''ssh root@{node}''')
            [CompletionResult]::new('--nodes', '--nodes', [CompletionResultType]::ParameterName, 'The nodes, separated by commas')
            [CompletionResult]::new('--at-once', '--at-once', [CompletionResultType]::ParameterName, 'How many nodes are asked at once')
            [CompletionResult]::new('--node-timeout', '--node-timeout', [CompletionResultType]::ParameterName, 'How many seconds a node may take')
            [CompletionResult]::new('--cri', '--cri', [CompletionResultType]::ParameterName, 'The container runtime''s socket, or `none`; found by itself if not given')
            [CompletionResult]::new('--cni-conf-dir', '--cni-conf-dir', [CompletionResultType]::ParameterName, 'Where CNI configurations are')
            [CompletionResult]::new('--cni-bin-dir', '--cni-bin-dir', [CompletionResultType]::ParameterName, 'Where CNI plugins are; may be repeated')
            [CompletionResult]::new('--cni-cache-dir', '--cni-cache-dir', [CompletionResultType]::ParameterName, 'Where CNI results are cached')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Also sandboxes that have ended')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Also sandboxes that have ended')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Show the list again whenever it changes, until interrupted')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show the list again whenever it changes, until interrupted')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;trace' {
            [CompletionResult]::new('--proto', '--proto', [CompletionResultType]::ParameterName, 'icmp, udp:PORT or tcp:PORT')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Octets of data in a packet, as ping counts them')
            [CompletionResult]::new('--size', '--size', [CompletionResultType]::ParameterName, 'Octets of data in a packet, as ping counts them')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'How many packets')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'How many packets')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Seconds from one packet to the next; if not given, each is sent when the one before was answered')
            [CompletionResult]::new('--interval', '--interval', [CompletionResultType]::ParameterName, 'Seconds from one packet to the next; if not given, each is sent when the one before was answered')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'How many seconds the last packet may take to be answered')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Saved snapshots in place of the live network; `-` is standard input')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'A lab on this machine; the only one there is if no name is given')
            [CompletionResult]::new('--via', '--via', [CompletionResultType]::ParameterName, 'The command that runs a program on a node, such as ''ssh root@{node}''')
            [CompletionResult]::new('--nodes', '--nodes', [CompletionResultType]::ParameterName, 'The nodes, separated by commas')
            [CompletionResult]::new('--at-once', '--at-once', [CompletionResultType]::ParameterName, 'How many nodes are asked at once')
            [CompletionResult]::new('--node-timeout', '--node-timeout', [CompletionResultType]::ParameterName, 'How many seconds a node may take')
            [CompletionResult]::new('--cri', '--cri', [CompletionResultType]::ParameterName, 'The container runtime''s socket, or `none`; found by itself if not given')
            [CompletionResult]::new('--cni-conf-dir', '--cni-conf-dir', [CompletionResultType]::ParameterName, 'Where CNI configurations are')
            [CompletionResult]::new('--cni-bin-dir', '--cni-bin-dir', [CompletionResultType]::ParameterName, 'Where CNI plugins are; may be repeated')
            [CompletionResult]::new('--cni-cache-dir', '--cni-cache-dir', [CompletionResultType]::ParameterName, 'Where CNI results are cached')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--df', '--df', [CompletionResultType]::ParameterName, 'The packets must not be cut')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Over IPv4 only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Over IPv6 only')
            [CompletionResult]::new('--static', '--static', [CompletionResultType]::ParameterName, 'Only ask the tables; send nothing')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Trace again and again, and show when it breaks and when it heals, until interrupted')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Trace again and again, and show when it breaks and when it heals, until interrupted')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;bench' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Seconds of each load: TCP, then small UDP packets, on each of the two ways')
            [CompletionResult]::new('--time', '--time', [CompletionResultType]::ParameterName, 'Seconds of each load: TCP, then small UDP packets, on each of the two ways')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'How many echoes measure the round trip; 0 for none')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'How many echoes measure the round trip; 0 for none')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Saved snapshots in place of the live network; `-` is standard input')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'A lab on this machine; the only one there is if no name is given')
            [CompletionResult]::new('--via', '--via', [CompletionResultType]::ParameterName, 'The command that runs a program on a node, such as ''ssh root@{node}''')
            [CompletionResult]::new('--nodes', '--nodes', [CompletionResultType]::ParameterName, 'The nodes, separated by commas')
            [CompletionResult]::new('--at-once', '--at-once', [CompletionResultType]::ParameterName, 'How many nodes are asked at once')
            [CompletionResult]::new('--node-timeout', '--node-timeout', [CompletionResultType]::ParameterName, 'How many seconds a node may take')
            [CompletionResult]::new('--cri', '--cri', [CompletionResultType]::ParameterName, 'The container runtime''s socket, or `none`; found by itself if not given')
            [CompletionResult]::new('--cni-conf-dir', '--cni-conf-dir', [CompletionResultType]::ParameterName, 'Where CNI configurations are')
            [CompletionResult]::new('--cni-bin-dir', '--cni-bin-dir', [CompletionResultType]::ParameterName, 'Where CNI plugins are; may be repeated')
            [CompletionResult]::new('--cni-cache-dir', '--cni-cache-dir', [CompletionResultType]::ParameterName, 'Where CNI results are cached')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--idle', '--idle', [CompletionResultType]::ParameterName, 'Only the round trip: put no load on the network')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;mtu' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Saved snapshots in place of the live network; `-` is standard input')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'A lab on this machine; the only one there is if no name is given')
            [CompletionResult]::new('--via', '--via', [CompletionResultType]::ParameterName, 'The command that runs a program on a node, such as ''ssh root@{node}''')
            [CompletionResult]::new('--nodes', '--nodes', [CompletionResultType]::ParameterName, 'The nodes, separated by commas')
            [CompletionResult]::new('--at-once', '--at-once', [CompletionResultType]::ParameterName, 'How many nodes are asked at once')
            [CompletionResult]::new('--node-timeout', '--node-timeout', [CompletionResultType]::ParameterName, 'How many seconds a node may take')
            [CompletionResult]::new('--cri', '--cri', [CompletionResultType]::ParameterName, 'The container runtime''s socket, or `none`; found by itself if not given')
            [CompletionResult]::new('--cni-conf-dir', '--cni-conf-dir', [CompletionResultType]::ParameterName, 'Where CNI configurations are')
            [CompletionResult]::new('--cni-bin-dir', '--cni-bin-dir', [CompletionResultType]::ParameterName, 'Where CNI plugins are; may be repeated')
            [CompletionResult]::new('--cni-cache-dir', '--cni-cache-dir', [CompletionResultType]::ParameterName, 'Where CNI results are cached')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Over IPv4 only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Over IPv6 only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;check' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Saved snapshots in place of the live network; `-` is standard input')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'A lab on this machine; the only one there is if no name is given')
            [CompletionResult]::new('--via', '--via', [CompletionResultType]::ParameterName, 'The command that runs a program on a node, such as ''ssh root@{node}''')
            [CompletionResult]::new('--nodes', '--nodes', [CompletionResultType]::ParameterName, 'The nodes, separated by commas')
            [CompletionResult]::new('--at-once', '--at-once', [CompletionResultType]::ParameterName, 'How many nodes are asked at once')
            [CompletionResult]::new('--node-timeout', '--node-timeout', [CompletionResultType]::ParameterName, 'How many seconds a node may take')
            [CompletionResult]::new('--cri', '--cri', [CompletionResultType]::ParameterName, 'The container runtime''s socket, or `none`; found by itself if not given')
            [CompletionResult]::new('--cni-conf-dir', '--cni-conf-dir', [CompletionResultType]::ParameterName, 'Where CNI configurations are')
            [CompletionResult]::new('--cni-bin-dir', '--cni-bin-dir', [CompletionResultType]::ParameterName, 'Where CNI plugins are; may be repeated')
            [CompletionResult]::new('--cni-cache-dir', '--cni-cache-dir', [CompletionResultType]::ParameterName, 'Where CNI results are cached')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;snapshot' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where to write it, packed if the name ends in .zst; standard output if not given')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where to write it, packed if the name ends in .zst; standard output if not given')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Saved snapshots in place of the live network; `-` is standard input')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'A lab on this machine; the only one there is if no name is given')
            [CompletionResult]::new('--via', '--via', [CompletionResultType]::ParameterName, 'The command that runs a program on a node, such as ''ssh root@{node}''')
            [CompletionResult]::new('--nodes', '--nodes', [CompletionResultType]::ParameterName, 'The nodes, separated by commas')
            [CompletionResult]::new('--at-once', '--at-once', [CompletionResultType]::ParameterName, 'How many nodes are asked at once')
            [CompletionResult]::new('--node-timeout', '--node-timeout', [CompletionResultType]::ParameterName, 'How many seconds a node may take')
            [CompletionResult]::new('--cri', '--cri', [CompletionResultType]::ParameterName, 'The container runtime''s socket, or `none`; found by itself if not given')
            [CompletionResult]::new('--cni-conf-dir', '--cni-conf-dir', [CompletionResultType]::ParameterName, 'Where CNI configurations are')
            [CompletionResult]::new('--cni-bin-dir', '--cni-bin-dir', [CompletionResultType]::ParameterName, 'Where CNI plugins are; may be repeated')
            [CompletionResult]::new('--cni-cache-dir', '--cni-cache-dir', [CompletionResultType]::ParameterName, 'Where CNI results are cached')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Replace names and addresses, each always by the same')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;diff' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Saved snapshots in place of the live network; `-` is standard input')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'A lab on this machine; the only one there is if no name is given')
            [CompletionResult]::new('--via', '--via', [CompletionResultType]::ParameterName, 'The command that runs a program on a node, such as ''ssh root@{node}''')
            [CompletionResult]::new('--nodes', '--nodes', [CompletionResultType]::ParameterName, 'The nodes, separated by commas')
            [CompletionResult]::new('--at-once', '--at-once', [CompletionResultType]::ParameterName, 'How many nodes are asked at once')
            [CompletionResult]::new('--node-timeout', '--node-timeout', [CompletionResultType]::ParameterName, 'How many seconds a node may take')
            [CompletionResult]::new('--cri', '--cri', [CompletionResultType]::ParameterName, 'The container runtime''s socket, or `none`; found by itself if not given')
            [CompletionResult]::new('--cni-conf-dir', '--cni-conf-dir', [CompletionResultType]::ParameterName, 'Where CNI configurations are')
            [CompletionResult]::new('--cni-bin-dir', '--cni-bin-dir', [CompletionResultType]::ParameterName, 'Where CNI plugins are; may be repeated')
            [CompletionResult]::new('--cni-cache-dir', '--cni-cache-dir', [CompletionResultType]::ParameterName, 'Where CNI results are cached')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;explain' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'The output')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;node' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Answer questions on standard input, a JSON object a line, until it ends')
            break
        }
        'ovl;node;serve' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;lab' {
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('up', 'up', [CompletionResultType]::ParameterValue, 'Make a lab: hosts on a switch, an agent on each, nothing outside of it')
            [CompletionResult]::new('down', 'down', [CompletionResultType]::ParameterValue, 'Take a lab apart, also one that a crash left behind')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List labs, their nodes and their pods')
            [CompletionResult]::new('pod', 'pod', [CompletionResultType]::ParameterValue, 'Add and remove pods')
            [CompletionResult]::new('break', 'break', [CompletionResultType]::ParameterValue, 'Break something on purpose, to see it found')
            [CompletionResult]::new('heal', 'heal', [CompletionResultType]::ParameterValue, 'Undo what break did')
            [CompletionResult]::new('exec', 'exec', [CompletionResultType]::ParameterValue, 'Run a command on a node, the switch, the router or in a pod')
            [CompletionResult]::new('shell', 'shell', [CompletionResultType]::ParameterValue, 'Open a shell on a node, the switch, the router or in a pod')
            break
        }
        'ovl;lab;up' {
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Which network to make')
            [CompletionResult]::new('--nodes', '--nodes', [CompletionResultType]::ParameterName, 'How many hosts')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Make what a topology file describes')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Make what a topology file describes')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;lab;down' {
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All labs of this user')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;lab;ls' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print them')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print them')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;lab;pod' {
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Start a pod and attach it to the network, as kubelet and containerd do')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Remove a pod')
            break
        }
        'ovl;lab;pod;add' {
            [CompletionResult]::new('--node', '--node', [CompletionResultType]::ParameterName, 'The node to run it on; the one with the fewest pods when left out')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'The pod''s Kubernetes namespace')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'The pod''s Kubernetes namespace')
            [CompletionResult]::new('--ip', '--ip', [CompletionResultType]::ParameterName, 'Ask for this address (one a family)')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Let a port of the node lead to the pod: HOST:POD[/tcp|udp|sctp]')
            [CompletionResult]::new('--ingress-bandwidth', '--ingress-bandwidth', [CompletionResultType]::ParameterName, 'The most the pod may receive, in bits a second (10M, 1G, 512Ki)')
            [CompletionResult]::new('--egress-bandwidth', '--egress-bandwidth', [CompletionResultType]::ParameterName, 'The most the pod may send, in bits a second')
            [CompletionResult]::new('--network', '--network', [CompletionResultType]::ParameterName, 'Attach it to this network too: the name in a configuration of the node''s /etc/cni/net.d')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;lab;pod;rm' {
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;lab;break' {
            [CompletionResult]::new('--node', '--node', [CompletionResultType]::ParameterName, 'The node to break; the first pod''s, or the one that pod speaks to, when left out')
            [CompletionResult]::new('--pod', '--pod', [CompletionResultType]::ParameterName, 'The pod that sends: the first one when left out')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'List the faults, and which of them can be made in the lab')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;lab;heal' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;lab;exec' {
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;lab;shell' {
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Which lab; the only one there is when left out')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;capture' {
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Device, or any; may be repeated')
            [CompletionResult]::new('--netns', '--netns', [CompletionResultType]::ParameterName, 'Network namespace: a name in /run/netns, a path, or a process; may be repeated')
            [CompletionResult]::new('--pod', '--pod', [CompletionResultType]::ParameterName, 'Pod on this node: [NAMESPACE/]NAME, an id, pid:N or an address; may be repeated')
            [CompletionResult]::new('--lab', '--lab', [CompletionResultType]::ParameterName, 'The pods are in a lab on this machine; the only one there is if no name is given')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Keep at most N octets of each packet')
            [CompletionResult]::new('-B', '-B ', [CompletionResultType]::ParameterName, 'Kernel buffer of each socket, in KiB')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Link type to ask for, such as LINUX_SLL for any')
            [CompletionResult]::new('-Z', '-Z ', [CompletionResultType]::ParameterName, 'Become this user once the sockets are open')
            [CompletionResult]::new('--duration', '--duration', [CompletionResultType]::ParameterName, 'Stop after this many seconds')
            [CompletionResult]::new('--max-size', '--max-size', [CompletionResultType]::ParameterName, 'Stop after this many octets of packets written')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Write to FILE (pcap; pcapng if so named, with devices, namespaces and pods) instead of printing')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Begin another file after N million octets')
            [CompletionResult]::new('-G', '-G ', [CompletionResultType]::ParameterName, 'Begin another file every N seconds; FILE may hold strftime words')
            [CompletionResult]::new('-W', '-W ', [CompletionResultType]::ParameterName, 'With -C use N files in turn; with -G end after N files')
            [CompletionResult]::new('-F', '-F ', [CompletionResultType]::ParameterName, 'Read the filter from FILE')
            [CompletionResult]::new('--outer', '--outer', [CompletionResultType]::ParameterName, 'Only packets whose outermost frame matches')
            [CompletionResult]::new('--inner', '--inner', [CompletionResultType]::ParameterName, 'Only packets with a frame inside a tunnel that matches')
            [CompletionResult]::new('--vni', '--vni', [CompletionResultType]::ParameterName, 'Only packets in the tunnel with this VNI')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Stop after N packets')
            [CompletionResult]::new('--names', '--names', [CompletionResultType]::ParameterName, 'Name addresses from a lab (lab, lab:NAME) or a snapshot file, and look for VXLAN on its ports')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the output; json is one object a line')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the output; json is one object a line')
            [CompletionResult]::new('-T', '-T ', [CompletionResultType]::ParameterName, 'Print as tcpdump does, to the letter')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--pings', '--pings', [CompletionResultType]::ParameterName, 'Pair echo requests with their replies at every capture point')
            [CompletionResult]::new('--flows', '--flows', [CompletionResultType]::ParameterName, 'Sum up conversations, and what wrapping them costs')
            [CompletionResult]::new('--mtu', '--mtu', [CompletionResultType]::ParameterName, 'Show what was fragmented, or told to be smaller')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Print link-layer headers')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Print ports as numbers (addresses always are)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print less')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more (up to -vvv)')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Time: -t none, -tt Unix, -ttt since the one before, -tttt date, -ttttt since the first')
            [CompletionResult]::new('--nano', '--nano', [CompletionResultType]::ParameterName, 'Print nanoseconds')
            [CompletionResult]::new('-#', '-#', [CompletionResultType]::ParameterName, 'Number the packets')
            [CompletionResult]::new('--number', '--number', [CompletionResultType]::ParameterName, 'Number the packets')
            [CompletionResult]::new('-S', '-S ', [CompletionResultType]::ParameterName, 'Print TCP sequence numbers as they are')
            [CompletionResult]::new('-K', '-K ', [CompletionResultType]::ParameterName, 'Do not check checksums')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Print the octets (-xx: with the link header)')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Print the octets with their characters (-XX: with the link header)')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Print the octets as characters (-AA: with the link header)')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Write out each packet''s text at once')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;decode' {
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Read FILE; all other words are the filter, as with tcpdump')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Write the packets to FILE (pcap; pcapng if so named) instead of printing them')
            [CompletionResult]::new('-F', '-F ', [CompletionResultType]::ParameterName, 'Read the filter from FILE')
            [CompletionResult]::new('--outer', '--outer', [CompletionResultType]::ParameterName, 'Only packets whose outermost frame matches')
            [CompletionResult]::new('--inner', '--inner', [CompletionResultType]::ParameterName, 'Only packets with a frame inside a tunnel that matches')
            [CompletionResult]::new('--vni', '--vni', [CompletionResultType]::ParameterName, 'Only packets in the tunnel with this VNI')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Stop after N packets')
            [CompletionResult]::new('--names', '--names', [CompletionResultType]::ParameterName, 'Name addresses from a lab (lab, lab:NAME) or a snapshot file, and look for VXLAN on its ports')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the output; json is one object a line')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the output; json is one object a line')
            [CompletionResult]::new('-T', '-T ', [CompletionResultType]::ParameterName, 'Print as tcpdump does, to the letter')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Wait for more at the end of the file, as tail -f does')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Wait for more at the end of the file, as tail -f does')
            [CompletionResult]::new('--pings', '--pings', [CompletionResultType]::ParameterName, 'Pair echo requests with their replies at every capture point')
            [CompletionResult]::new('--flows', '--flows', [CompletionResultType]::ParameterName, 'Sum up conversations, and what wrapping them costs')
            [CompletionResult]::new('--mtu', '--mtu', [CompletionResultType]::ParameterName, 'Show what was fragmented, or told to be smaller')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Print link-layer headers')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Print ports as numbers (addresses always are)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print less')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more (up to -vvv)')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Time: -t none, -tt Unix, -ttt since the one before, -tttt date, -ttttt since the first')
            [CompletionResult]::new('--nano', '--nano', [CompletionResultType]::ParameterName, 'Print nanoseconds')
            [CompletionResult]::new('-#', '-#', [CompletionResultType]::ParameterName, 'Number the packets')
            [CompletionResult]::new('--number', '--number', [CompletionResultType]::ParameterName, 'Number the packets')
            [CompletionResult]::new('-S', '-S ', [CompletionResultType]::ParameterName, 'Print TCP sequence numbers as they are')
            [CompletionResult]::new('-K', '-K ', [CompletionResultType]::ParameterName, 'Do not check checksums')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Print the octets (-xx: with the link header)')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Print the octets with their characters (-XX: with the link header)')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Print the octets as characters (-AA: with the link header)')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Write out each packet''s text at once')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;agent' {
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'The directory that all nodes of the network share')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The network''s settings, TOML (or JSON, if the name ends in .json)')
            [CompletionResult]::new('--node', '--node', [CompletionResultType]::ParameterName, 'This node''s name [default: the settings'' `node`, or the host name]')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'The node''s own directory')
            [CompletionResult]::new('--cni-dir', '--cni-dir', [CompletionResultType]::ParameterName, 'Where the runtime looks for CNI configurations')
            [CompletionResult]::new('--resync', '--resync', [CompletionResultType]::ParameterName, 'Compare everything this often, whether or not something was heard')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--cleanup', '--cleanup', [CompletionResultType]::ParameterName, 'Take the node out of the network: remove everything the agent made, then end')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;cni' {
            [CompletionResult]::new('--net-dir', '--net-dir', [CompletionResultType]::ParameterName, 'Directory with the network configurations')
            [CompletionResult]::new('--bin-dir', '--bin-dir', [CompletionResultType]::ParameterName, 'Directories with the plugin binaries, separated by colons')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Directory in which runtimes remember results')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long one plugin may take, in seconds')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the network configurations in the order a runtime takes them')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the network a runtime uses, why, and its plugins')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Attach a network namespace to the network')
            [CompletionResult]::new('del', 'del', [CompletionResultType]::ParameterValue, 'Detach a network namespace, whatever is left of it')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Ask the plugins whether an attachment is as it was made')
            [CompletionResult]::new('plan', 'plan', [CompletionResultType]::ParameterValue, 'Print the kernel operations of an add without making them (ovl-routed and ovl-vxlan)')
            [CompletionResult]::new('gc', 'gc', [CompletionResultType]::ParameterValue, 'Remove what belongs to no attachment whose namespace is still there')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Ask the plugins whether they could attach a container now')
            break
        }
        'ovl;cni;list' {
            [CompletionResult]::new('--net-dir', '--net-dir', [CompletionResultType]::ParameterName, 'Directory with the network configurations')
            [CompletionResult]::new('--bin-dir', '--bin-dir', [CompletionResultType]::ParameterName, 'Directories with the plugin binaries, separated by colons')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Directory in which runtimes remember results')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long one plugin may take, in seconds')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;cni;show' {
            [CompletionResult]::new('--network', '--network', [CompletionResultType]::ParameterName, 'The network''s name [default: the one a runtime uses]')
            [CompletionResult]::new('--net-dir', '--net-dir', [CompletionResultType]::ParameterName, 'Directory with the network configurations')
            [CompletionResult]::new('--bin-dir', '--bin-dir', [CompletionResultType]::ParameterName, 'Directories with the plugin binaries, separated by colons')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Directory in which runtimes remember results')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long one plugin may take, in seconds')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;cni;add' {
            [CompletionResult]::new('--network', '--network', [CompletionResultType]::ParameterName, 'The network''s name [default: the one a runtime uses]')
            [CompletionResult]::new('--container-id', '--container-id', [CompletionResultType]::ParameterName, 'The container''s id [default: made from the namespace''s path, as cnitool does]')
            [CompletionResult]::new('--ifname', '--ifname', [CompletionResultType]::ParameterName, 'The interface in the namespace')
            [CompletionResult]::new('--pod', '--pod', [CompletionResultType]::ParameterName, 'The pod this is for, as a kubelet''s runtime would say it in CNI_ARGS')
            [CompletionResult]::new('--args', '--args', [CompletionResultType]::ParameterName, 'CNI_ARGS: KEY=VALUE pairs, separated by semicolons')
            [CompletionResult]::new('--capability-args', '--capability-args', [CompletionResultType]::ParameterName, 'Capability arguments as a JSON object, such as ''{"ips": ["10.1.2.3"]}''')
            [CompletionResult]::new('--net-dir', '--net-dir', [CompletionResultType]::ParameterName, 'Directory with the network configurations')
            [CompletionResult]::new('--bin-dir', '--bin-dir', [CompletionResultType]::ParameterName, 'Directories with the plugin binaries, separated by colons')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Directory in which runtimes remember results')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long one plugin may take, in seconds')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;cni;del' {
            [CompletionResult]::new('--network', '--network', [CompletionResultType]::ParameterName, 'The network''s name [default: the one a runtime uses]')
            [CompletionResult]::new('--container-id', '--container-id', [CompletionResultType]::ParameterName, 'The container''s id [default: made from the namespace''s path, as cnitool does]')
            [CompletionResult]::new('--ifname', '--ifname', [CompletionResultType]::ParameterName, 'The interface in the namespace')
            [CompletionResult]::new('--pod', '--pod', [CompletionResultType]::ParameterName, 'The pod this is for, as a kubelet''s runtime would say it in CNI_ARGS')
            [CompletionResult]::new('--args', '--args', [CompletionResultType]::ParameterName, 'CNI_ARGS: KEY=VALUE pairs, separated by semicolons')
            [CompletionResult]::new('--capability-args', '--capability-args', [CompletionResultType]::ParameterName, 'Capability arguments as a JSON object, such as ''{"ips": ["10.1.2.3"]}''')
            [CompletionResult]::new('--net-dir', '--net-dir', [CompletionResultType]::ParameterName, 'Directory with the network configurations')
            [CompletionResult]::new('--bin-dir', '--bin-dir', [CompletionResultType]::ParameterName, 'Directories with the plugin binaries, separated by colons')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Directory in which runtimes remember results')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long one plugin may take, in seconds')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;cni;check' {
            [CompletionResult]::new('--network', '--network', [CompletionResultType]::ParameterName, 'The network''s name [default: the one a runtime uses]')
            [CompletionResult]::new('--container-id', '--container-id', [CompletionResultType]::ParameterName, 'The container''s id [default: made from the namespace''s path, as cnitool does]')
            [CompletionResult]::new('--ifname', '--ifname', [CompletionResultType]::ParameterName, 'The interface in the namespace')
            [CompletionResult]::new('--net-dir', '--net-dir', [CompletionResultType]::ParameterName, 'Directory with the network configurations')
            [CompletionResult]::new('--bin-dir', '--bin-dir', [CompletionResultType]::ParameterName, 'Directories with the plugin binaries, separated by colons')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Directory in which runtimes remember results')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long one plugin may take, in seconds')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;cni;plan' {
            [CompletionResult]::new('--network', '--network', [CompletionResultType]::ParameterName, 'The network''s name [default: the one a runtime uses]')
            [CompletionResult]::new('--container-id', '--container-id', [CompletionResultType]::ParameterName, 'The container''s id [default: made from the namespace''s path, as cnitool does]')
            [CompletionResult]::new('--ifname', '--ifname', [CompletionResultType]::ParameterName, 'The interface in the namespace')
            [CompletionResult]::new('--pod', '--pod', [CompletionResultType]::ParameterName, 'The pod this is for, as a kubelet''s runtime would say it in CNI_ARGS')
            [CompletionResult]::new('--args', '--args', [CompletionResultType]::ParameterName, 'CNI_ARGS: KEY=VALUE pairs, separated by semicolons')
            [CompletionResult]::new('--capability-args', '--capability-args', [CompletionResultType]::ParameterName, 'Capability arguments as a JSON object, such as ''{"ips": ["10.1.2.3"]}''')
            [CompletionResult]::new('--net-dir', '--net-dir', [CompletionResultType]::ParameterName, 'Directory with the network configurations')
            [CompletionResult]::new('--bin-dir', '--bin-dir', [CompletionResultType]::ParameterName, 'Directories with the plugin binaries, separated by colons')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Directory in which runtimes remember results')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long one plugin may take, in seconds')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;cni;gc' {
            [CompletionResult]::new('--network', '--network', [CompletionResultType]::ParameterName, 'The network''s name [default: the one a runtime uses]')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Keep this attachment whatever became of its namespace')
            [CompletionResult]::new('--net-dir', '--net-dir', [CompletionResultType]::ParameterName, 'Directory with the network configurations')
            [CompletionResult]::new('--bin-dir', '--bin-dir', [CompletionResultType]::ParameterName, 'Directories with the plugin binaries, separated by colons')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Directory in which runtimes remember results')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long one plugin may take, in seconds')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only say what would be done')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;cni;status' {
            [CompletionResult]::new('--network', '--network', [CompletionResultType]::ParameterName, 'The network''s name [default: the one a runtime uses]')
            [CompletionResult]::new('--net-dir', '--net-dir', [CompletionResultType]::ParameterName, 'Directory with the network configurations')
            [CompletionResult]::new('--bin-dir', '--bin-dir', [CompletionResultType]::ParameterName, 'Directories with the plugin binaries, separated by colons')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Directory in which runtimes remember results')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long one plugin may take, in seconds')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;completion' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'ovl;__complete' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour: auto (on a terminal, unless NO_COLOR is set), always, never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
