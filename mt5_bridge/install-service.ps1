<#
.SYNOPSIS
    Installs the Tradeloom bridge on Windows and runs it as a service.

.DESCRIPTION
    Makes a virtual environment, installs the packages, registers the service through NSSM (tradeloom-bridge service
    install) and starts it. May be run again: packages are brought up to date and the service is registered anew.
    Needs an administrator's PowerShell, Python 3.12 or later and nssm.exe.

.EXAMPLE
    .\install-service.ps1 -Config C:\tradeloom\bridge.toml

.EXAMPLE
    .\install-service.ps1 -Config C:\tradeloom\bridge.toml -Packages C:\wheels -Offline
#>
[CmdletBinding()]
param(
    # The bridge's TOML or JSON file.
    [Parameter(Mandatory = $true)] [string] $Config,
    # The service's name.
    [ValidatePattern('^[A-Za-z][A-Za-z0-9_-]{0,63}$')] [string] $Name = 'TradeloomBridge',
    # Where the virtual environment is made.
    [string] $Target = (Join-Path $env:ProgramFiles 'Tradeloom\bridge'),
    # A directory of wheels; without it the copy of the repository this script lies in is installed.
    [string] $Packages = '',
    # Take everything, dependencies too, from -Packages.
    [switch] $Offline,
    # The Python to make the environment with.
    [string] $Python = 'python.exe',
    # Where nssm.exe is, unless it is on the path.
    [string] $Nssm = '',
    # Register the service and leave it stopped.
    [switch] $NoStart
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

function Invoke-Program([string] $Program, [string[]] $Arguments) {
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Program ended with exit code $LASTEXITCODE" }
}

$identity = [Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()
if (-not $identity.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
    throw 'Run this in a PowerShell that was started as administrator.'
}
if (-not (Test-Path -LiteralPath $Config -PathType Leaf)) { throw "There is no file $Config." }
if ($Offline -and -not $Packages) { throw '-Offline needs -Packages.' }
$configPath = (Resolve-Path -LiteralPath $Config).ProviderPath

Invoke-Program $Python @('-c', 'import sys; sys.exit(sys.version_info < (3, 12) and 1 or 0)')
$interpreter = Join-Path $Target 'Scripts\python.exe'
$bridge = Join-Path $Target 'Scripts\tradeloom-bridge.exe'
$nssmArguments = @()
if ($Nssm) { $nssmArguments = @('--nssm', (Resolve-Path -LiteralPath $Nssm).ProviderPath) }

# A running service holds its files: it drains and stops before they are replaced.
$known = Get-Service -Name $Name -ErrorAction SilentlyContinue
if ($known -and (Test-Path -LiteralPath $bridge)) {
    Invoke-Program $bridge (@('service', 'uninstall', '--name', $Name) + $nssmArguments)
}

if (-not (Test-Path -LiteralPath $interpreter)) { Invoke-Program $Python @('-m', 'venv', $Target) }
$pip = @('-m', 'pip', 'install', '--upgrade', '--disable-pip-version-check')
if ($Offline) { $pip += '--no-index' }
if ($Packages) {
    $wheels = (Resolve-Path -LiteralPath $Packages).ProviderPath
    $pip += @('--find-links', $wheels, 'tradeloom', 'tradeloom-mt5-bridge')
} else {
    $repository = Split-Path -Parent $PSScriptRoot
    $pip += @($repository, $PSScriptRoot)
}
Invoke-Program $interpreter $pip

Invoke-Program $bridge (@('service', 'install', '--config', $configPath, '--name', $Name) + $nssmArguments)
if ($NoStart) {
    Write-Output "The service $Name is registered. Start it with: & '$bridge' service start --name $Name"
} else {
    Invoke-Program $bridge (@('service', 'start', '--name', $Name) + $nssmArguments)
    Write-Output "The service $Name runs. Its logs are in the data directory's logs folder."
}
