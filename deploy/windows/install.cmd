@echo off
rem Installs RapidStart Connector beside an AOS, offline. See install.py for what it does, and for its options.
"%~dp0python\python.exe" "%~dp0install.py" %*
exit /b %ERRORLEVEL%
